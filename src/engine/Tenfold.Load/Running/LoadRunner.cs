using Tenfold.Guide;
using Tenfold.Load.Http;
using Tenfold.Load.Loops;
using Tenfold.Load.Pacing;
using Tenfold.Load.Results;
using Tenfold.Load.Scenarios;
using Tenfold.Wire.Latency;

namespace Tenfold.Load.Running;

/// <summary>Runs load tests.</summary>
public static class LoadRunner
{
    private const int OtherFiles = 256; // what the process has open beside its connections

    /// <summary>Runs a test to its end.</summary>
    /// <param name="test">What to run.</param>
    /// <param name="budgets">The guide's budgets: they name the routes and set their timeouts.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Called every <paramref name="every"/>, one call at a time; null when nobody looks.</param>
    /// <param name="every">Between two calls of <paramref name="progress"/>.</param>
    /// <param name="cancellationToken">Ends the test early: what was measured comes back, marked as interrupted.</param>
    /// <exception cref="LoadException">The test is wrong, nothing listens at the target, or this machine lacks something.</exception>
    public static async Task<LoadResult> RunAsync(LoadTest test, IReadOnlyList<Budget> budgets, LoadOptions options, Action<LoadProgress>? progress, TimeSpan every, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(test);
        ArgumentNullException.ThrowIfNull(options);
        var model = Stages.ModelOf(test.Stages);
        var stages = options.For is { } total ? Stages.Compress(test.Stages, total) : test.Stages;
        var scenario = ScenarioPlan.Compile(test.Scenario, options.Data, budgets, options.Target, options.Timeout);
        var users = AllowUsers(model == LoadModel.Closed ? UserRamp.Most(stages) : options.MostInFlight, scenario.Width, model);
        var target = await LoadTarget.FindAsync(options.Target, options.Insecure, cancellationToken);
        var pacing = new ArrivalPacing(stages);
        var threads = options.Threads ?? Math.Clamp(Environment.ProcessorCount / 2, 1, 8);
        var start = EventLoop.Now() + (long)TimeSpan.FromMilliseconds(20).TotalNanoseconds; // for the threads to begin
        var end = start + (Stages.Total(stages).Ticks * TimeSpan.NanosecondsPerTick);
        var live = new LiveStats();
        Worker[] workers = [.. Enumerable.Range(0, threads).Select(i => new Worker(new WorkerPlan(scenario, options.Seed, start, end, i, threads), target, live))];
        try
        {
            await using var stop = cancellationToken.UnsafeRegister(_ => Array.ForEach(workers, w => w.Stop()), null);
            using var done = new CancellationTokenSource();
            var display = progress is null ? Task.CompletedTask : ShowAsync(new ProgressSource(stages, model, live, workers, start), progress, every, done.Token);
            var running = Task.WhenAll(workers.Select(w => OnOwnThread(() => Run(w, worker => Begin(worker, model, stages, pacing, users / threads), workers))));
            try
            {
                await running;
            }
            finally
            {
                await done.CancelAsync();
                await display;
            }

            var interrupted = cancellationToken.IsCancellationRequested;
            var last = Math.Max(workers.Max(w => w.LastAnswer), interrupted ? start + 1 : end);
            var routes = Merge(workers, scenario);
            return new LoadResult
            {
                Name = options.Name,
                Target = options.Target,
                Model = model,
                Stages = stages,
                Elapsed = TimeSpan.FromTicks((last - start) / TimeSpan.NanosecondsPerTick),
                Routes = routes,
                Total = Sum(routes),
                Timeline = Whole(workers),
                Iterations = workers.Sum(w => w.Iterations),
                Unanswered = workers.Sum(w => (long)w.InFlight),
                Interrupted = interrupted,
                Schedule = Schedule(workers, model == LoadModel.Open ? pacing.Total : 0, users, options.LagLimit, last - start),
            };
        }
        finally
        {
            Array.ForEach(workers, w => w.Dispose());
        }
    }

    private static void Begin(Worker worker, LoadModel model, IReadOnlyList<LoadStage> stages, ArrivalPacing pacing, int mostInFlight)
    {
        if (model == LoadModel.Closed)
        {
            new ClosedModel(worker, stages).Begin();
        }
        else
        {
            new OpenModel(worker, pacing, Math.Max(1, mostInFlight)).Begin();
        }
    }

    private static int AllowUsers(int wanted, int connectionsEach, LoadModel model)
    {
        var needed = ((long)wanted * connectionsEach) + OtherFiles;
        var files = Native.RaiseOpenFiles(needed);
        if (files >= needed)
        {
            return wanted;
        }

        return model == LoadModel.Open && files > 2 * OtherFiles
            ? (int)(files - OtherFiles) / connectionsEach // an arrival that finds no connection makes the result invalid, and says so
            : throw new LoadException(LoadFault.Machine, $"{wanted:N0} users need {needed:N0} open files, but this process may have {files:N0}: raise the limit with 'ulimit -n {needed}'");
    }

    private static void Run(Worker worker, Action<Worker> begin, Worker[] all)
    {
        try
        {
            worker.Run(begin);
        }
        catch
        {
            Array.ForEach(all, w => w.Stop()); // without one of them the test is not the test
            throw;
        }
    }

    // A loop waits in the kernel, so it must not take a thread of the pool.
    private static Task OnOwnThread(Action work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                work();
                done.SetResult();
            }
#pragma warning disable CA1031 // Handed to whoever awaits.
            catch (Exception e)
#pragma warning restore CA1031
            {
                done.SetException(e);
            }
        })
        {
            Name = "load",
            IsBackground = true,
        };
        thread.Start();
        return done.Task;
    }

    private static async Task ShowAsync(ProgressSource source, Action<LoadProgress> progress, TimeSpan every, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(every);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                progress(source.Next());
            }
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private static List<RouteResult> Merge(Worker[] workers, ScenarioPlan scenario)
    {
        var routes = new List<RouteResult>();
        for (var i = 0; i < scenario.Routes.Count; i++)
        {
            var stats = new RouteStats();
            foreach (var part in workers.Select(w => w.Routes[i]).OfType<RouteStats>())
            {
                stats.Merge(part);
            }

            if (stats.Count > 0)
            {
                routes.Add(new RouteResult(scenario.Routes[i].Name, scenario.Routes[i].Budget, stats));
            }
        }

        return routes;
    }

    private static RouteStats Sum(List<RouteResult> routes)
    {
        var total = new RouteStats();
        foreach (var route in routes)
        {
            total.Merge(route.Stats);
        }

        return total;
    }

    private static Timeline Whole(Worker[] workers)
    {
        var timeline = new Timeline();
        foreach (var worker in workers)
        {
            timeline.Merge(worker.Timeline);
        }

        return timeline;
    }

    private static ScheduleResult Schedule(Worker[] workers, long planned, int mostInFlight, TimeSpan lagLimit, long elapsed)
    {
        var lag = new LatencyHistogram();
        foreach (var worker in workers)
        {
            lag.Merge(worker.Lag);
        }

        return new ScheduleResult(
            planned,
            workers.Sum(w => w.Started),
            workers.Sum(w => w.Dropped),
            mostInFlight,
            workers.Sum(w => w.LocalFailures),
            lag.Percentile(99),
            lag.Max,
            lagLimit,
            Math.Min(1, (double)workers.Max(w => w.Loop.Busy) / elapsed));
    }
}
