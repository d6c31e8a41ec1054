using Npgsql;

namespace Rez.Tests;

/// <summary>The system's own SQL files, in order, a transaction each.</summary>
internal static class SchemaFiles
{
    public static string Folder { get; } = Path.Combine(Repository(), "systems", "rez", "schema");

    public static async Task ApplyAsync(NpgsqlDataSource database)
    {
        foreach (var file in Directory.GetFiles(Folder, "*.sql").Order(StringComparer.Ordinal))
        {
            await using var connection = await database.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await using var command = new NpgsqlCommand(await File.ReadAllTextAsync(file), connection, transaction);
            await command.ExecuteNonQueryAsync();
            await transaction.CommitAsync();
        }

        // What a file sets for the database counts for connections made after it.
        database.Clear();
    }

    public static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Tenfold.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not lie in the repository.");
        }

        return folder;
    }
}
