using System.Diagnostics;
using Npgsql;
using Tenfold.Jobs;

namespace JobsDriver;

/// <summary>Works off what waits, in one process.</summary>
internal static class Draining
{
    public static async Task<int> RunAsync(string connection, int warm, int jobs, bool isCommitted)
    {
        await using var own = NpgsqlDataSource.Create(connection);
        var (done, since, cpu) = (0, 0L, TimeSpan.Zero);
        var all = new TaskCompletionSource();
        await using var app = await App.StartAsync(connection, isCommitted ? CommitAsync : CountAsync);
        await all.Task;
        // The ends of the last ones are written behind the handlers.
        await App.DrainedAsync(own);
        var (seconds, used) = (Stopwatch.GetElapsedTime(since).TotalSeconds, Environment.CpuUsage.TotalTime - cpu);
        Console.WriteLine(FormattableString.Invariant($"ended {jobs} {seconds} {used.TotalMicroseconds:0}"));
        return 0;

        Task CountAsync(Nothing job, JobContext context, CancellationToken cancel)
        {
            Count();
            return Task.CompletedTask;
        }

        async Task CommitAsync(Nothing job, JobContext context, CancellationToken cancel)
        {
            await using var connection = await own.OpenConnectionAsync(cancel);
            await using var transaction = await connection.BeginTransactionAsync(cancel);
            await context.CompleteAsync(transaction, cancel);
            await transaction.CommitAsync(cancel);
            Count();
        }

        void Count()
        {
            var count = Interlocked.Increment(ref done);
            if (count == warm)
            {
                Console.WriteLine("started");
                (since, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            }

            if (count == warm + jobs)
            {
                all.TrySetResult();
            }
        }
    }
}
