using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace JobsDriver;

/// <summary>Time from the commit of a job to the start of its handler in another process that has nothing else to do.</summary>
internal static class Latency
{
    private const int Warm = 100;

    public static async Task<int> RunAsync(string connection, int jobs)
    {
        await using var own = NpgsqlDataSource.Create(connection);
        await using var app = await App.StartAsync(connection, null);
        using var worker = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["work-latency", connection]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true })!;
        await worker.StandardOutput.ReadLineAsync(); // it is ready
        var random = new Random(1);
        var times = new List<double>(jobs);
        for (var number = 0; number < Warm + jobs; number++)
        {
            await Task.Delay(10 + random.Next(20));
            await using var one = await own.OpenConnectionAsync();
            await using var transaction = await one.BeginTransactionAsync();
            await app.Jobs.EnqueueAsync(one, new Nothing(number));
            await transaction.CommitAsync();
            var committed = Stopwatch.GetTimestamp();
            // Both processes read the same clock (CLOCK_MONOTONIC).
            var words = (await worker.StandardOutput.ReadLineAsync())?.Split(' ') ?? throw new InvalidOperationException("the worker has ended");
            if (int.Parse(words[0], CultureInfo.InvariantCulture) != number)
            {
                throw new InvalidOperationException($"job {number} was awaited, job {words[0]} ran");
            }

            if (number >= Warm)
            {
                times.Add(Math.Max(0, Stopwatch.GetElapsedTime(committed, long.Parse(words[1], CultureInfo.InvariantCulture)).TotalMilliseconds));
            }
        }

        worker.StandardInput.Close();
        await worker.WaitForExitAsync();
        times.Sort();
        Console.WriteLine(FormattableString.Invariant($"{times[times.Count / 2]:0.00} {times[(int)Math.Ceiling(times.Count * 0.99) - 1]:0.00} {times[^1]:0.00}"));
        return worker.ExitCode;
    }

    public static async Task<int> WorkAsync(string connection)
    {
        var starts = new BlockingCollection<string>();
        await using var app = await App.StartAsync(connection, (job, _, _) =>
        {
            starts.Add(FormattableString.Invariant($"{job.Number} {Stopwatch.GetTimestamp()}"), CancellationToken.None);
            return Task.CompletedTask;
        });
        Console.WriteLine("ready");
        // The console blocks: on threads of its own, not on those that work.
        var writing = Task.Factory.StartNew(() =>
        {
            foreach (var line in starts.GetConsumingEnumerable())
            {
                Console.WriteLine(line);
            }
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await Task.Factory.StartNew(Console.In.ReadToEnd, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        starts.CompleteAdding();
        await writing;
        return 0;
    }
}
