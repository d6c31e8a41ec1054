using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;
using Tenfold.Postgres.Tests.Shards;

namespace Tenfold.Postgres.Tests.Moves;

/// <summary>What the tests of moves share: rows, and what must hold of them after a move.</summary>
internal static class Moved
{
    // Without the production limits: what is tested here is not how long writes wait, and the machine may be busy.
    public static readonly MoveOptions Quick = new()
    {
        DropDelay = TimeSpan.Zero,
        BlockPause = TimeSpan.FromMilliseconds(20),
        BlockLimit = TimeSpan.FromSeconds(10),
        DrainLimit = TimeSpan.FromSeconds(20),
    };

    public static Func<MoveStep, CancellationToken, Task> DieAfter(MoveStep last) => (step, _) => step == last ? throw new InvalidDataException($"killed after {step}") : Task.CompletedTask;

    public static async Task FillAsync(ShardLayout layout, ShardedStore store, int orders)
    {
        foreach (var database in store.Map.Databases)
        {
            await layout.ExecuteAsync(database.Id, $"""
                WITH mine AS (SELECT tenfold.bucket_of(n, {store.Map.Scheme.Count}) AS bucket, n FROM generate_series(1::bigint, {orders}) n)
                INSERT INTO orders (bucket_id, id, customer, note, total, placed_at)
                    SELECT bucket, n, n % 50, CASE WHEN n % 3 > 0 THEN repeat('ü ', (n % 20)::int) END, n / 7.0, '2026-01-01'::timestamptz + n * interval '1 minute' FROM mine WHERE bucket IN ({string.Join(',', store.Map.BucketsOf(database.Id))});
                INSERT INTO lines (bucket_id, order_id, line, "Details", bytes) SELECT bucket_id, id, line, jsonb_build_object('a', id), decode(md5(id::text), 'hex') FROM orders, generate_series(1, 2) line
                """);
        }
    }

    /// <summary>Checksum of all rows of all databases.</summary>
    public static async Task<decimal> SumAsync(ShardLayout layout)
    {
        var sum = 0m;
        for (var database = 0; database < layout.ConnectionStrings.Count; database++)
        {
            sum += (decimal)(await layout.ExecuteAsync(database, "SELECT (SELECT coalesce(sum(hashtextextended(o::text, 0)::numeric), 0) FROM orders o) + (SELECT coalesce(sum(hashtextextended(l::text, 0)::numeric), 0) FROM lines l)"))!;
        }

        return sum;
    }

    /// <summary>Each row is at its bucket's owner only, and nothing is left of any move.</summary>
    public static async Task AssertSettledAsync(ShardLayout layout, ShardedStore store)
    {
        await store.ReachAsync((long)(await layout.ExecuteAsync(0, "SELECT epoch FROM tenfold.shard_map"))!, default);
        for (var database = 0; database < layout.ConnectionStrings.Count; database++)
        {
            var owned = string.Join(',', store.Map.BucketsOf(database).DefaultIfEmpty(-1));
            Assert.Equal(0L, await layout.ExecuteAsync(database, $"SELECT (SELECT count(*) FROM orders WHERE bucket_id NOT IN ({owned})) + (SELECT count(*) FROM lines WHERE bucket_id NOT IN ({owned}))"));
            Assert.Equal(0L, await layout.ExecuteAsync(database, "SELECT (SELECT count(*) FROM pg_replication_slots WHERE database = current_database()) + (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM tenfold.shard_incoming)"));
            Assert.Equal((long)store.Map.BucketsOf(database).Count, await layout.ExecuteAsync(database, "SELECT count(*) FROM tenfold.shard_fences WHERE owned"));
            Assert.Equal(0L, await layout.ExecuteAsync(database, "SELECT count(*) FROM tenfold.shard_fences WHERE NOT owned"));
        }

        Assert.Equal(0L, await layout.ExecuteAsync(0, "SELECT (SELECT count(*) FROM tenfold.shard_moves) + (SELECT count(*) FROM tenfold.shard_move_objects)"));
    }
}
