using System.Text;
using Tenfold.Gateway.Balancing;
using Tenfold.Gateway.Health;
using Tenfold.Gateway.Listening;
using Tenfold.Gateway.Metrics;

namespace Tenfold.Gateway.Instances;

/// <summary>One instance as the gateway sees it: its state, what is in flight, its idle connections. Thread-safe.</summary>
internal sealed class Instance : IDisposable
{
    private readonly PassiveWatch _passive;
    private readonly long _slowStart;
    private readonly CancellationTokenSource _leaving = new();
    private int _disposed;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Series?[] _series;
    private int _inFlight;
    private long _since; // when slow start began, ms
    private volatile bool _healthy = true;
    private volatile bool _draining;
    private volatile CheckResult? _lastCheck;

    public Instance(Upstream upstream, Guide.Health health, int labels, int connections, GatewayClock clock)
    {
        Connections = new ConnectionPool(upstream.EndPoint, connections, clock.Time);
        Upstream = upstream;
        Id = StableHash.Of(Encoding.UTF8.GetBytes($"{upstream.Service}/{upstream.Instance}"));
        _passive = new PassiveWatch(health.Passive);
        _slowStart = (long)health.SlowStart.TotalMilliseconds;
        _since = clock.Now;
        _series = new Series?[labels];
        Leaving = _leaving.Token;
    }

    public Upstream Upstream { get; }

    public ulong Id { get; }

    public ConnectionPool Connections { get; }

    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Cancelled when the instance is forgotten; may be looked at after that too.</summary>
    public CancellationToken Leaving { get; }

    public Task Drained => _drained.Task;

    public CheckResult? LastCheck { get => _lastCheck; set => _lastCheck = value; }

    /// <summary>How often requests to it failed in a way that counts against it.</summary>
    public long Failures;

    public InstanceState State(long now) => _draining ? InstanceState.Draining
        : !_healthy ? InstanceState.Unhealthy
        : _passive.IsOut(now) ? InstanceState.Ejected
        : InstanceState.Ready;

    /// <summary>The part of its weight that slow start leaves it.</summary>
    public double Share(long now)
    {
        // An ejection that has ended is a recovery too.
        var since = Math.Max(Volatile.Read(ref _since), _passive.OutUntil);
        return SlowStart.Factor(now - since, _slowStart);
    }

    /// <summary>Counts a request in; false when the instance is leaving, so that a drained one stays drained.</summary>
    public bool TryEnter()
    {
        Interlocked.Increment(ref _inFlight);
        if (!_draining)
        {
            return true;
        }

        Leave();
        return false;
    }

    /// <summary>Counts it out.</summary>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _inFlight) == 0 && _draining)
        {
            _drained.TrySetResult();
        }
    }

    public void BeginDraining()
    {
        _draining = true;
        Interlocked.MemoryBarrier(); // else a request that enters now and this look could miss each other
        if (InFlight == 0)
        {
            _drained.TrySetResult();
        }
    }

    /// <summary>A request failed on it.</summary>
    /// <returns>Whether that took it out.</returns>
    public bool Failed(long now)
    {
        Interlocked.Increment(ref Failures);
        return _passive.Failed(now);
    }

    /// <summary>Says what the active checks found.</summary>
    /// <returns>Whether that is news.</returns>
    public bool SetHealthy(bool healthy)
    {
        var news = _healthy != healthy;
        _healthy = healthy;
        return news;
    }

    public void RestartSlowStart(long now) => Volatile.Write(ref _since, now);

    public Series SeriesOf(int label) => _series[label] ?? Create(label);

    public ReadOnlySpan<Series?> AllSeries => _series;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        _leaving.Cancel();
        Connections.Dispose();
        _leaving.Dispose();
    }

    private Series Create(int label)
    {
        var created = new Series();
        return Interlocked.CompareExchange(ref _series[label], created, null) ?? created;
    }
}
