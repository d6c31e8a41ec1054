using Npgsql;

namespace ShardsDriver;

internal static class Filler
{
    public static async Task<int> RunAsync(string home, string other, int rows, int buckets)
    {
        foreach (var text in new[] { home, other })
        {
            await using var connection = new NpgsqlConnection(text);
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(
                "CREATE TABLE items (bucket_id integer NOT NULL, id bigint NOT NULL, name text NOT NULL, stock integer NOT NULL, PRIMARY KEY (bucket_id, id)); CREATE INDEX ON items (name)", connection);
            await command.ExecuteNonQueryAsync();
        }

        await using var store = await Stores.StartAsync(home, other);
        await using var database = new NpgsqlConnection(home);
        await database.OpenAsync();
        // The first database owns the lower half of the buckets.
        await using var fill = new NpgsqlCommand(
            $"""
            INSERT INTO items SELECT 0, n, 'item ' || n || repeat('x', 150), 1 FROM generate_series(1, {rows}) n;
            INSERT INTO items SELECT 1 + n % {(buckets / 2) - 1}, n, 'item ' || n || repeat('x', 150), 1 FROM generate_series(1, {rows}) n;
            ANALYZE items
            """,
            database) { CommandTimeout = 0 };
        await fill.ExecuteNonQueryAsync();
        return 0;
    }
}
