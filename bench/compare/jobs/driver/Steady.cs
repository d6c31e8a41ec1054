using System.Diagnostics;
using Npgsql;

namespace JobsDriver;

/// <summary>Works while the same number of jobs waits all the time: as many as have ended are enqueued again.</summary>
internal static class Steady
{
    private const int AtOnce = 1_000;

    public static async Task<int> RunAsync(string connection, int waiting, double warm, double seconds, bool isSnapshotHeld)
    {
        await using var own = NpgsqlDataSource.Create(connection);
        await using var snapshot = await own.OpenConnectionAsync();
        if (isSnapshotHeld)
        {
            await using var begin = new NpgsqlCommand("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class", snapshot);
            await begin.ExecuteNonQueryAsync();
        }

        var done = 0L;
        await using var app = await App.StartAsync(connection, (_, _, _) =>
        {
            Interlocked.Increment(ref done);
            return Task.CompletedTask;
        });
        using var stop = new CancellationTokenSource();
        var feeding = FeedAsync(own, app, await WaitingAsync(own), waiting, () => Volatile.Read(ref done), stop.Token);
        await Task.Delay(TimeSpan.FromSeconds(warm));
        var (before, since) = (Volatile.Read(ref done), Stopwatch.GetTimestamp());
        await Task.WhenAny(feeding, Task.Delay(TimeSpan.FromSeconds(seconds)));
        var (after, took) = (Volatile.Read(ref done), Stopwatch.GetElapsedTime(since).TotalSeconds);
        await stop.CancelAsync();
        await feeding;
        Console.WriteLine(FormattableString.Invariant($"{after - before} {took}"));
        return 0;
    }

    private static async Task FeedAsync(NpgsqlDataSource own, App app, long added, int waiting, Func<long> done, CancellationToken stop)
    {
        await using var one = await own.OpenConnectionAsync(CancellationToken.None);
        while (!stop.IsCancellationRequested)
        {
            if (added - done() > waiting - AtOnce)
            {
                await Task.Delay(5, CancellationToken.None);
                continue;
            }

            await app.Jobs.EnqueueManyAsync(one, [.. Enumerable.Range(0, AtOnce).Select(n => new Nothing(n))], cancel: CancellationToken.None);
            added += AtOnce;
        }
    }

    private static async Task<long> WaitingAsync(NpgsqlDataSource own)
    {
        await using var command = own.CreateCommand("SELECT count(*) FROM tenfold.jobs");
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
