using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;

namespace ShardsDriver;

/// <summary>Moves a bucket while rows are written to it and to others, at a fixed rate each, and tells what the writes waited.</summary>
internal static class MovedUnderLoad
{
    public static async Task<int> RunAsync(string home, string other, int rate)
    {
        await using var store = await Stores.StartAsync(home, other);
        var writes = new ConcurrentBag<(bool Moved, long Begin, long End)>();
        using var stop = new CancellationTokenSource();
        var load = Task.WhenAll(WriteAsync(store, writes, moved: true, rate, stop.Token), WriteAsync(store, writes, moved: false, rate, stop.Token));
        await Task.Delay(2_000);

        // When the source's lock was taken, and when writes could go on.
        long blockedFrom = 0, blockedTo = 0, moveBegan = Stopwatch.GetTimestamp();
        await new BucketMover(store, new MoveOptions { DropDelay = TimeSpan.FromSeconds(1) }, progress =>
        {
            if (progress.Step == MoveStep.Blocked)
            {
                blockedFrom = Stopwatch.GetTimestamp();
            }
            else if (progress.Step == MoveStep.Flipped && blockedTo == 0)
            {
                blockedTo = Stopwatch.GetTimestamp();
            }

            Console.Error.WriteLine($"{progress.Step}: {progress.Text} {progress.Done}/{progress.Total} {progress.Left}");
        }).MoveAsync([0], 1, CancellationToken.None);
        var moveSeconds = Stopwatch.GetElapsedTime(moveBegan).TotalSeconds;
        await stop.CancelAsync();
        await load;

        var blocked = Stopwatch.GetElapsedTime(blockedFrom, blockedTo).TotalMilliseconds;
        var longest = writes.Where(write => write.Moved).Max(Milliseconds);
        var others = writes.Where(write => !write.Moved).ToList();
        var waited = others.Count(write => write.Begin < blockedFrom + (Stopwatch.Frequency / 200) && write.End > blockedTo);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{blocked:0.0} {longest:0.0} {waited} {others.Max(Milliseconds):0.0} {writes.Count(write => write.Moved)} {moveSeconds:0.0}"));
        return 0;

        static double Milliseconds((bool, long Begin, long End) write) => Stopwatch.GetElapsedTime(write.Begin, write.End).TotalMilliseconds;
    }

    // Open model: each write is begun when it is due, whatever became of the ones before.
    private static async Task WriteAsync(ShardedStore store, ConcurrentBag<(bool Moved, long Begin, long End)> writes, bool moved, int rate, CancellationToken stop)
    {
        var random = new Random(moved ? 1 : 2);
        var running = new List<Task>();
        var began = Stopwatch.GetTimestamp();
        for (var n = 0L; !stop.IsCancellationRequested; n++)
        {
            var due = began + (n * Stopwatch.Frequency / rate);
            if (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due) is { TotalMilliseconds: >= 1 } pause)
            {
                await Task.Delay(pause, CancellationToken.None);
            }

            var (bucket, id) = (moved ? 0 : 1 + random.Next(6), (long)random.Next(1, 100_000));
            running.Add(Task.Run(async () =>
            {
                var begin = Stopwatch.GetTimestamp();
                await store.ExecuteAsync(
                    ShardKey.OfBucket(bucket),
                    new NpgsqlBatch
                    {
                        BatchCommands =
                        {
                            new NpgsqlBatchCommand("UPDATE items SET stock = stock + 1 WHERE bucket_id = $1 AND id = $2")
                            {
                                Parameters = { new NpgsqlParameter<int> { TypedValue = bucket }, new NpgsqlParameter<long> { TypedValue = id } },
                            },
                        },
                    },
                    null,
                    CancellationToken.None);
                writes.Add((moved, begin, Stopwatch.GetTimestamp()));
            }, CancellationToken.None));
        }

        await Task.WhenAll(running);
    }
}
