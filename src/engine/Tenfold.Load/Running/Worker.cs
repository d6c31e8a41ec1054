using Tenfold.Load.Http;
using Tenfold.Load.Loops;
using Tenfold.Load.Results;
using Tenfold.Load.Scenarios;
using Tenfold.Wire.Http1;
using Tenfold.Wire.Latency;

namespace Tenfold.Load.Running;

/// <summary>
/// One loop with the users that belong to it and what they measure. Its thread alone touches it, but for
/// <see cref="Live"/>, <see cref="Stop"/> and, once it has ended, the results.
/// </summary>
internal sealed class Worker : ITimed, IDisposable
{
    private const long TimeoutCheck = 20_000_000; // 20 ms: timeouts are that much late at most
    private static readonly long Grace = (long)TimeSpan.FromSeconds(1).TotalNanoseconds; // after an interruption, for answers

    private readonly List<LoadConnection> _connections = [];
    private readonly ResponseHead _head = new();
    private readonly LoadTarget _target;
    private long? _stopped; // when it was interrupted

    public Worker(WorkerPlan plan, LoadTarget target, LiveStats live)
    {
        (Plan, _target, Live) = (plan, target, live);
        Routes = new RouteStats?[plan.Scenario.Routes.Count];
    }

    public WorkerPlan Plan { get; }

    public EventLoop Loop { get; } = new();

    public LiveStats Live { get; }

    /// <summary>By the scenario's route index; null where there was no request.</summary>
    public RouteStats?[] Routes { get; }

    /// <summary>Second by second.</summary>
    public Timeline Timeline { get; } = new();

    /// <summary>How late arrivals (open) or pauses (closed) were by this generator's doing.</summary>
    public LatencyHistogram Lag { get; } = new();

    public long Iterations { get; set; }

    public long Started { get; set; }

    public long Dropped { get; set; }

    public long LocalFailures { get; private set; }

    public int InFlight { get; set; }

    /// <summary>Whether nothing new may begin.</summary>
    public bool Ended { get; private set; }

    /// <summary>When the last answer came.</summary>
    public long LastAnswer { get; private set; }

    /// <summary>Renders bodies, one at a time.</summary>
    public ByteBuffer Scratch { get; } = new();

    public LoadConnection NewConnection(IExchanged owner)
    {
        var connection = new LoadConnection(Loop, _target, _head, owner);
        _connections.Add(connection);
        return connection;
    }

    /// <summary>Runs the whole test on the calling thread.</summary>
    public void Run(Action<Worker> begin)
    {
        begin(this);
        Loop.At(Plan.End + 1000, this); // 1 µs: an arrival due at the very end is before it
        Loop.At(Plan.Start, new TimeoutWatch(this, _connections));
        Loop.Run(() => Ended && (InFlight == 0 || (_stopped is { } at && EventLoop.Now() > at + Grace)));
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }
    }

    /// <summary>Ends the test early: nothing new begins, answers are waited for 1 s. Thread-safe.</summary>
    public void Stop() => Loop.Post(() =>
    {
        _stopped ??= EventLoop.Now();
        Ended = true;
    });

    void ITimed.OnDue(long due) => Ended = true;

    /// <summary>Counts a request that has ended.</summary>
    public void Record(int route, long now, long? nanoseconds, ErrorKind? error, int status)
    {
        (Routes[route] ??= new RouteStats()).Record(nanoseconds, error, status);
        Timeline.Record(new TimeSpan((now - (nanoseconds ?? 0) - Plan.Start) / TimeSpan.NanosecondsPerTick), nanoseconds, error is not null);
        LastAnswer = now;
        Live.Record(nanoseconds, error is not null);
    }

    public void RecordLocalFailure() => LocalFailures++;

    public void Dispose() => Loop.Dispose();

    private sealed class TimeoutWatch(Worker worker, List<LoadConnection> connections) : ITimed
    {
        public void OnDue(long due)
        {
            var now = EventLoop.Now();
            for (var i = 0; i < connections.Count; i++) // a timeout may add a connection
            {
                if (connections[i].IsBusy && connections[i].Deadline <= now)
                {
                    connections[i].TimeOut();
                }
            }

            worker.Loop.At(Math.Max(now, due + TimeoutCheck), this);
        }
    }
}

/// <summary>What every worker of a test is told.</summary>
/// <param name="Scenario">What users do.</param>
/// <param name="Seed">Of the generators.</param>
/// <param name="Start">When the test begins (<see cref="EventLoop.Now"/>).</param>
/// <param name="End">When its stages are over.</param>
/// <param name="Index">Which worker, from 0.</param>
/// <param name="Workers">How many there are.</param>
internal sealed record WorkerPlan(ScenarioPlan Scenario, int Seed, long Start, long End, int Index, int Workers)
{
    /// <summary>By route index, in nanoseconds.</summary>
    public long[] Timeouts { get; } = [.. Scenario.Routes.Select(route => route.Timeout.Ticks * TimeSpan.NanosecondsPerTick)];
}

/// <summary>What the live display reads while workers count. Thread-safe.</summary>
internal sealed class LiveStats
{
    private readonly ConcurrentLatencyHistogram _latency = new();
    private long _requests;
    private long _errors;

    public long Requests => Volatile.Read(ref _requests);

    public long Errors => Volatile.Read(ref _errors);

    public LatencySnapshot Latency() => _latency.Snapshot();

    public void Record(long? nanoseconds, bool failed)
    {
        Interlocked.Increment(ref _requests);
        if (failed)
        {
            Interlocked.Increment(ref _errors);
        }

        if (nanoseconds is { } latency)
        {
            _latency.Record(TimeSpan.FromTicks(latency / TimeSpan.NanosecondsPerTick));
        }
    }
}
