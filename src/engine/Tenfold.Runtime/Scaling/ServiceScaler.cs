using Tenfold.Guide;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Instances;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Scaling;

/// <summary>
/// Keeps the number of a service's instances as its rules say: looks, has them decide, and tells the supervisor. It waits for nothing that
/// an instance does. While something is done by hand it pauses; whatever goes wrong, the instances stay as they are, and it goes on.
/// </summary>
internal sealed class ServiceScaler
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(1); // what goes on is told no more often

    private readonly ServiceSupervisor _service;
    private readonly ServiceSampler _sampler;
    private readonly Surroundings _surroundings;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly HeldBack _heldBack;
    private readonly Lock _lock = new();
    private Autoscaler _rules;
    private int? _pinned;
    private Decision? _latest;
    private ScalingDecision? _change;
    private (string Text, long At)? _fault;
    private long _faults;

    public ServiceScaler(ServiceSupervisor service, Scale scale, ServiceSampler sampler, Surroundings surroundings, TimeProvider time, IReadOnlyDictionary<string, QueuePolicy>? queues = null)
    {
        (_service, _sampler, _surroundings, _time) = (service, sampler, surroundings, time);
        _interval = scale.Interval;
        _rules = Autoscaler.For(scale, queues);
        _heldBack = new HeldBack(Again + _interval, time);
    }

    /// <summary>The service's name.</summary>
    public string Name => _service.Name;

    /// <summary>How it stands.</summary>
    public ScalingStatus Status
    {
        get
        {
            lock (_lock)
            {
                return new ScalingStatus { Pinned = _pinned, Now = _latest?.Reason, Limit = _latest?.Limit ?? ScalingLimit.None, Change = _change, StartSeconds = _service.StartTimes.P90?.TotalSeconds };
            }
        }
    }

    /// <summary>Decisions that failed.</summary>
    public long Faults => Volatile.Read(ref _faults);

    /// <summary>Leaves the number to whoever has set it; null: to the rules again.</summary>
    /// <param name="count">The number that it was set to.</param>
    /// <param name="from">The number before.</param>
    public void Pin(int? count, int from)
    {
        lock (_lock)
        {
            if (count is null && _pinned is null)
            {
                return;
            }

            _pinned = count;
            var reason = count is null ? "no longer pinned: its rules decide again" : $"pinned at {count} by hand";
            Record(new Decision(_time.GetUtcNow(), from, count ?? from, null, count is null ? ScalingLimit.None : ScalingLimit.Pin, reason));
        }
    }

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Tick, _time);
        while (await timer.WaitForNextTickAsync(cancel))
        {
            try
            {
                _sampler.Look();
                // Half a tick early is on time: else each second would take 1.1 s.
                if (_sampler.Elapsed >= _interval - (Tick / 2) && _service.Operation is null)
                {
                    await DecideAsync(cancel);
                    _fault = null;
                }
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                throw;
            }
#pragma warning disable CA1031 // Whatever it is: a system that runs is better than one that is scaled.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Tell(e);
            }
        }
    }

    /// <summary>One look and what follows from it.</summary>
    internal async Task DecideAsync(CancellationToken cancel)
    {
        var snapshot = _sampler.Take() with { Queues = _surroundings.Queues() };
        lock (_lock)
        {
            snapshot = snapshot with { Pinned = _pinned };
        }

        var room = _surroundings.Room(_service);
        var (decision, next) = _rules.Decide(snapshot with { Room = room?.Instances });
        if (decision.To > decision.From)
        {
            // Another service or system may be growing at the same moment: what is left is looked at again when nobody else can take it.
            await using var grow = await _surroundings.GrowAsync(cancel);
            room = _surroundings.Room(_service);
            (decision, next) = _rules.Decide(snapshot with { Room = room?.Instances });
            Apply(decision, next, room);
            _surroundings.Claim();
            return;
        }

        Apply(decision, next, room);
        _surroundings.Claim(); // those that were leaving may be gone by now
    }

    private void Apply(Decision decision, Autoscaler next, Room? room)
    {
        lock (_lock)
        {
            if (decision.Limit == ScalingLimit.Machine && room is { } full)
            {
                decision = decision with { Reason = $"{decision.Reason} (no room: {full.Why})" };
            }

            if (decision.IsChange && !_service.TrySetWanted(decision.To))
            {
                return; // something is done by hand since: the rules have not seen this
            }

            _rules = next;
            _latest = decision;
            if (_heldBack.IsNews(decision.Limit) || decision.IsChange)
            {
                Record(decision);
            }
        }
    }

    private void Record(Decision decision)
    {
        var recorded = _surroundings.Record(_service.Name, decision);
        if (recorded.To != recorded.From)
        {
            _change = recorded;
        }
    }

    private void Tell(Exception e)
    {
        Interlocked.Increment(ref _faults);
        if (_fault is not { } last || last.Text != e.Message || _time.GetElapsedTime(last.At) >= Again)
        {
            _fault = (e.Message, _time.GetTimestamp());
            _surroundings.Note($"the autoscaler of {_service.Name} failed, the instances stay as they are and it goes on: {e.Message}");
        }
    }
}

/// <summary>What a service's scaler needs of the rest of the system.</summary>
internal sealed record Surroundings
{
    /// <summary>How its queues are; one that was not seen lately is not in it.</summary>
    public Func<IReadOnlyDictionary<string, QueueSample>> Queues { get; init; } = () => new Dictionary<string, QueueSample>();

    /// <summary>What the machine has room for.</summary>
    public Func<ServiceSupervisor, Room?> Room { get; init; } = _ => null;

    /// <summary>Keeps others from growing until it is disposed.</summary>
    public Func<CancellationToken, Task<IAsyncDisposable?>> GrowAsync { get; init; } = _ => Task.FromResult<IAsyncDisposable?>(null);

    /// <summary>Tells other systems what this one was promised by now.</summary>
    public Action Claim { get; init; } = () => { };

    /// <summary>Writes a decision down.</summary>
    public required Func<string, Decision, ScalingDecision> Record { get; init; }

    /// <summary>Told what goes wrong.</summary>
    public required Action<string> Note { get; init; }
}
