using System.Globalization;

namespace Tenfold.Runtime.Stores;

/// <summary>What the servers of a store are called: their folders, logs and replication slots. A store's name has neither dots nor underscores.</summary>
internal static class DatabaseNames
{
    /// <summary>A database of a store, and the name of its connection string: <c>main</c>, <c>main_1</c>, <c>main_2</c>.</summary>
    public static string Database(string store, int number) => number == 0 ? store : $"{store}_{Text(number)}";

    /// <summary>A server of a database: <c>main</c>, <c>main.1</c>, <c>main_2.1</c>. Names say nothing about who is the primary.</summary>
    public static string Node(string database, int index) => index == 0 ? database : $"{database}.{Text(index)}";

    /// <summary>The replication slot from which a server is fed, on whichever server is the primary.</summary>
    public static string Slot(int index) => $"tenfold_node_{Text(index)}";

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
