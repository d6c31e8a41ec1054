using System.Diagnostics;
using Npgsql;

namespace JobsDriver;

/// <summary>Enqueues many jobs.</summary>
internal static class Adding
{
    private const int AtOnce = 10_000;

    public static async Task<int> RunAsync(string connection, int jobs)
    {
        await using var own = NpgsqlDataSource.Create(connection);
        await using var app = await App.StartAsync(connection, null);
        var (since, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        for (var number = 0; number < jobs; number += AtOnce)
        {
            await using var one = await own.OpenConnectionAsync();
            await using var transaction = await one.BeginTransactionAsync();
            await app.Jobs.EnqueueManyAsync(one, [.. Enumerable.Range(number, Math.Min(AtOnce, jobs - number)).Select(n => new Nothing(n))]);
            await transaction.CommitAsync();
        }

        Console.WriteLine(FormattableString.Invariant($"{jobs} {Stopwatch.GetElapsedTime(since).TotalSeconds} {(Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds:0}"));
        return 0;
    }
}
