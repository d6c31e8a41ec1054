using Npgsql;

namespace Rez.Seed;

/// <summary>Rows by COPY.</summary>
internal static class Copy
{
    /// <param name="connection">Where to.</param>
    /// <param name="target">Table and columns, <c>stock (bucket_id, …)</c>.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="write">Writes one of them, a value a column.</param>
    /// <param name="cancel">Gives it up: nothing was copied.</param>
    public static async Task RunAsync<T>(NpgsqlConnection connection, string target, IEnumerable<T> rows, Func<T, NpgsqlBinaryImporter, Task> write, CancellationToken cancel)
    {
        await using var copy = await connection.BeginBinaryImportAsync($"COPY {target} FROM STDIN (FORMAT binary)", cancel);
        foreach (var row in rows)
        {
            await copy.StartRowAsync(cancel);
            await write(row, copy);
        }

        await copy.CompleteAsync(cancel);
    }
}
