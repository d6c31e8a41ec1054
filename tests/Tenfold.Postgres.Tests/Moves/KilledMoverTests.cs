using System.Collections.Concurrent;
using Npgsql;
using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;
using Tenfold.Postgres.Tests.Shards;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests.Moves;

/// <summary>The mover is killed (SIGKILL) and run again, while rows are written: nothing is lost, doubled or left behind.</summary>
[Collection(ShardServer.Name)]
public sealed class KilledMoverTests(ShardServer server)
{
    private const int Buckets = 4;

    [Fact]
    public Task A_mover_killed_at_the_steps_that_decide_goes_on_when_it_is_run_again() => KilledAsync(MoveStep.Copied, MoveStep.SourceFenced, MoveStep.Flipped);

    [Fact]
    [Trait("Suite", "soak")]
    public Task A_mover_killed_after_each_step_in_turn_goes_on_when_it_is_run_again() => KilledAsync(Enum.GetValues<MoveStep>());

    [Fact]
    public async Task A_mover_that_fails_after_each_step_in_turn_goes_on_when_it_is_run_again()
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(2, Buckets);
        await Moved.FillAsync(layout, store, 400);
        await using var load = new Load(store);
        int[] buckets = [.. Enumerable.Range(0, Buckets)];

        foreach (var step in Enum.GetValues<MoveStep>())
        {
            await Assert.ThrowsAsync<InvalidDataException>(() => new BucketMover(store, Moved.Quick with { AfterStep = Moved.DieAfter(step) }, _ => { }).MoveAsync(buckets, 1, default));
            await load.WroteSinceAsync(blocked: step is MoveStep.SourceFenced or MoveStep.TargetOpened);
        }

        await new BucketMover(store, Moved.Quick, _ => { }).MoveAsync(buckets, 1, default);
        await EndAsync(layout, store, load);
    }

    private async Task KilledAsync(params MoveStep[] steps)
    {
        var layout = await server.DatabasesAsync(2);
        await using var store = await layout.StartAsync(1, Buckets);
        await Moved.FillAsync(layout, store, 400);
        await using var load = new Load(store);

        foreach (var step in steps)
        {
            // One move, killed after one of its steps after the other: each run goes on where the last one was killed.
            using var mover = MoverProcess.Start(layout, Buckets, step);
            await mover.ReachAsync($"at {(int)step}");
            await load.WroteSinceAsync(step is >= MoveStep.Blocked and < MoveStep.Flipped);
            await mover.KillAsync();
            await load.WroteSinceAsync(blocked: step is MoveStep.SourceFenced or MoveStep.TargetOpened);
        }

        using (var last = MoverProcess.Start(layout, Buckets, waitAfter: null))
        {
            await last.ReachAsync("done");
        }

        await EndAsync(layout, store, load);
    }

    private static async Task EndAsync(ShardLayout layout, ShardedStore store, Load load)
    {
        await load.StopAsync();
        await load.AssertAllThereAsync(layout, firstOrders: 400);
        await Moved.AssertSettledAsync(layout, store);
        Assert.All(store.Map.Owners, owner => Assert.Equal(1, owner));
    }

    /// <summary>Inserts and updates orders all the time, and remembers what was accepted.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private readonly ShardedStore _store;
        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentDictionary<long, decimal> _accepted = new();
        private readonly Task[] _writers;
        private long _writes;

        public Load(ShardedStore store)
        {
            _store = store;
            _writers = [.. Enumerable.Range(0, 3).Select(writer => Task.Run(() => WriteAsync(writer)))];
        }

        /// <summary>Waits until something was written, unless writes wait for the mover.</summary>
        public async Task WroteSinceAsync(bool blocked)
        {
            var before = Volatile.Read(ref _writes);
            if (!blocked)
            {
                await Wait.ForAsync("a write", () => Task.FromResult(Volatile.Read(ref _writes) > before + 3 || _writers.Any(writer => writer.IsFaulted)));
            }
        }

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_writers);
        }

        public async Task AssertAllThereAsync(ShardLayout layout, int firstOrders)
        {
            var rows = new Dictionary<long, decimal>();
            foreach (var database in new[] { 0, 1 })
            {
                await using var connection = new NpgsqlConnection(layout.ConnectionStrings[database] + ";Pooling=false");
                await connection.OpenAsync();
                foreach (var (id, total) in await Sql.ListAsync(connection, "SELECT id, total FROM orders WHERE id > $1", row => (row.GetInt64(0), row.GetDecimal(1)), default, (long)firstOrders))
                {
                    Assert.True(rows.TryAdd(id, total), $"order {id} is there twice");
                }
            }

            Assert.True(_accepted.Count > 50, $"only {_accepted.Count} orders were written");
            Assert.Equal(_accepted.OrderBy(one => one.Key), rows.OrderBy(one => one.Key));
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_writers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _stop.Dispose();
        }

        private async Task WriteAsync(int writer)
        {
            for (var n = 0L; !_stop.IsCancellationRequested; n++)
            {
                var id = 1_000 + (n * 3) + writer;
                await ExecuteAsync(id, "INSERT INTO orders (bucket_id, id, customer, note) VALUES ($1, $2, $2, repeat('n', 3000))");
                _accepted[id] = 0;
                if (n % 3 == 2)
                {
                    var older = id - 3;
                    await ExecuteAsync(older, "UPDATE orders SET total = total + 1 WHERE bucket_id = $1 AND id = $2");
                    _accepted[older]++;
                }

                Interlocked.Increment(ref _writes);
                await Task.Delay(5);
            }
        }

        private async Task ExecuteAsync(long id, string sql)
        {
            while (true)
            {
                var batch = new NpgsqlBatch { BatchCommands = { new NpgsqlBatchCommand(sql) { Parameters = { new() { Value = _store.Map.BucketOf(id) }, new() { Value = id } } } } };
                try
                {
                    Assert.Equal(1, await _store.ExecuteAsync(id, batch, null, default));
                    return;
                }
                catch (ShardException e) when (e.Failure == ShardFailure.Moved)
                {
                    // Between two runs of the mover nobody owns the bucket: nothing was executed.
                }
            }
        }
    }
}
