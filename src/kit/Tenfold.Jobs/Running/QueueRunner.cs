using System.Threading.Channels;
using Microsoft.Extensions.DependencyInjection;
using Tenfold.Jobs.Claiming;
using Tenfold.Jobs.Ending;
using Tenfold.Jobs.Kinds;

namespace Tenfold.Jobs.Running;

/// <summary>
/// Runs the jobs of one queue in this process, as many at a time as the queue says, whatever database they come from. Some more are
/// held ready: about what is done in a tenth of a second. Thread-safe.
/// </summary>
internal sealed class QueueRunner : IAsyncDisposable
{
    private const double SecondsAhead = 0.1;

    private static readonly TimeSpan NoHandler = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RateOver = TimeSpan.FromMilliseconds(100);

    private readonly string _worker;
    private readonly Quarantine _quarantine;
    private readonly JobKinds _kinds;
    private readonly IServiceScopeFactory _scopes;
    private readonly TimeProvider _time;
    private readonly int _mostHeld;
    private readonly bool _isLimited;
    private readonly Channel<JobRun> _waiting = Channel.CreateUnbounded<JobRun>(); // bounded by what Reserve gives
    private readonly Task[] _loops;
    private readonly CancellationTokenSource _stopping = new();
    private int _held;
    private long _done;
    private long _rateAt;
    private long _rateDone;
    private double _rate;

    public QueueRunner(string name, JobQueueOptions options, int mostHeld, string worker, Quarantine quarantine, JobKinds kinds, IServiceScopeFactory scopes, TimeProvider time, Random random)
    {
        (Name, Options, _mostHeld, _worker, _quarantine, _kinds, _scopes, _time) = (name, options, mostHeld, worker, quarantine, kinds, scopes, time);
        _isLimited = KeyRules.AreLimited(options);
        _rateAt = time.GetTimestamp();
        _loops = [.. Enumerable.Range(0, options.Concurrency).Select(_ => new Random(random.Next())).Select(own => Task.Run(() => LoopAsync(own)))];
    }

    public string Name { get; }

    public JobQueueOptions Options { get; }

    public bool IsIdle => Volatile.Read(ref _held) == 0;

    /// <summary>Whether claiming is worth a statement now: a slot would be idle, or half of what is held ahead is used up.</summary>
    public bool HasRoom
    {
        get
        {
            var most = Most();
            var held = Volatile.Read(ref _held);
            return held < Options.Concurrency || most - held >= Math.Max(1, (most - Options.Concurrency) / 2);
        }
    }

    /// <summary>Room for so many claims, taken from it; give back what is not used.</summary>
    public int Reserve()
    {
        while (true)
        {
            var held = Volatile.Read(ref _held);
            var room = Math.Min(_mostHeld, Most() - held);
            if (room <= 0)
            {
                return 0;
            }

            if (Interlocked.CompareExchange(ref _held, held + room, held) == held)
            {
                return room;
            }
        }
    }

    /// <summary>So many of what was reserved were not claimed, or are held no more.</summary>
    public void Release(int count) => Interlocked.Add(ref _held, -count);

    /// <summary>Runs it as soon as a slot is free; one that comes after <see cref="Stop"/> is given back. It counts as held from <see cref="Reserve"/> on.</summary>
    public void Add(JobRun run)
    {
        if (!_waiting.Writer.TryWrite(run))
        {
            GiveBack(run);
        }
    }

    /// <summary>Gives back what has waited here for longer: the jobs before it take more time than those by which the room was measured.</summary>
    public void GiveBack(TimeSpan waited)
    {
        while (_waiting.Reader.TryPeek(out var oldest) && _time.GetElapsedTime(oldest.ClaimedAt) >= waited && _waiting.Reader.TryRead(out var run))
        {
            GiveBack(run);
        }
    }

    /// <summary>Starts nothing more.</summary>
    public void Stop()
    {
        _stopping.Cancel();
        _waiting.Writer.TryComplete();
    }

    /// <summary>Done when what runs has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        Stop();
        await Task.WhenAll(_loops);
        _stopping.Dispose();
    }

    // What is limited by rate or key is not held ahead: it would count as running.
    private int Most() => Options.Concurrency + (_isLimited ? 0 : (int)Math.Min(_mostHeld, Rate() * SecondsAhead));

    // Jobs a second, over the last tenth or so. A race between two callers costs accuracy, no more.
    private double Rate()
    {
        var now = _time.GetTimestamp();
        var since = _time.GetElapsedTime(Volatile.Read(ref _rateAt), now);
        if (since >= RateOver)
        {
            var done = Volatile.Read(ref _done);
            var rate = (done - Interlocked.Exchange(ref _rateDone, done)) / since.TotalSeconds;
            Volatile.Write(ref _rate, Math.Max(rate, _rate / 2));
            Volatile.Write(ref _rateAt, now);
        }

        return Volatile.Read(ref _rate);
    }

    private void GiveBack(JobRun run)
    {
        if (run.TryEnd())
        {
            run.Owner.Ended(run, new JobEnding(run.Job, null, TimeSpan.Zero));
        }

        Release(1);
    }

    private async Task LoopAsync(Random random)
    {
        var cancel = new CancellationTokenSource();
        try
        {
            await foreach (var run in _waiting.Reader.ReadAllAsync())
            {
                if (_stopping.IsCancellationRequested)
                {
                    GiveBack(run);
                    continue;
                }

                await RunAsync(run, cancel, random);
                Interlocked.Increment(ref _done);
                Release(1);
                if (run.IsStopped || !cancel.TryReset()) // whoever stopped it may not have got to the source yet
                {
                    cancel.Dispose();
                    cancel = new CancellationTokenSource();
                }
            }
        }
        finally
        {
            cancel.Dispose();
        }
    }

    private async Task RunAsync(JobRun run, CancellationTokenSource cancel, Random random)
    {
        var isAlone = run.Job.Deaths >= Quarantine.From && _quarantine.TryEnter();
        var started = _time.GetTimestamp();
        var failure = await BeginAsync(run, isAlone) ?? await HandleAsync(run, cancel, started);
        if (isAlone)
        {
            _quarantine.Leave();
        }

        run.HasReturned = true;
        var ending = run.EndingOf(failure, _worker, _time.GetElapsedTime(started), random.NextDouble());
        if (run.TryEnd())
        {
            run.Owner.Ended(run, ending);
        }
    }

    // Why it may not run now; null: it may.
    private async Task<Exception?> BeginAsync(JobRun run, bool isAlone)
    {
        if (run.Job.Left is { } left && left <= _time.GetElapsedTime(run.ClaimedAt))
        {
            return new JobFailedException($"its deadline passed {(_time.GetElapsedTime(run.ClaimedAt) - left).TotalSeconds:0.0} s before it could run");
        }

        if (_kinds.Find(run.Job.Kind) is not { Handler: not null })
        {
            // Another version of the app may know it.
            return new JobRetryException(NoHandler, $"this worker has no handler for jobs of kind '{run.Job.Kind}'") { Counts = false };
        }

        if (run.Job.Deaths >= Quarantine.From && !isAlone)
        {
            return new JobRetryException(Quarantine.Again, "workers have died with it and with another job that runs now") { Counts = false };
        }

        try
        {
            await (run.Job.Deaths > 0 ? run.Owner.MarkStartedAsync(run, _stopping.Token) : Task.CompletedTask);
            return null;
        }
        catch (Exception e) when (e is not JobLostException)
        {
            return new JobRetryException(Quarantine.Again, "it could not be noted that it begins", e) { Counts = false };
        }
        catch (JobLostException lost)
        {
            return lost;
        }
    }

    private async Task<Exception?> HandleAsync(JobRun run, CancellationTokenSource cancel, long started)
    {
        if (!run.TryStart(cancel, started))
        {
            return new OperationCanceledException();
        }

        try
        {
            await using var scope = _scopes.CreateAsyncScope();
            await _kinds.Find(run.Job.Kind)!.RunAsync(scope.ServiceProvider, run.Job.Payload, run, cancel.Token);
            return null;
        }
#pragma warning disable CA1031 // Whatever a handler throws is its job's failure.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return exception;
        }
    }
}
