using Tenfold.Gateway.Instances;
using Tenfold.Gateway.Routing;
using Tenfold.Guide;

namespace Tenfold.Gateway.Forwarding;

/// <summary>Where one request is on its way: route, tries so far, next instance. Reused; not thread-safe.</summary>
internal sealed class Flight
{
    private Instance?[] _tried = new Instance?[4];
    private int _tries;

    public CompiledRoute Route { get; private set; } = null!;

    public int Label { get; private set; }

    public ulong? Key { get; private set; }

    /// <summary>Whether doing it twice is the same as once.</summary>
    public bool Idempotent { get; private set; }

    /// <summary>Bytes in <see cref="ClientExchange.Outgoing"/>.</summary>
    public int OutgoingLength { get; set; }

    /// <summary>Whether the body is passed on while it comes, so that it cannot be sent again.</summary>
    public bool Streams { get; set; }

    /// <summary>Whether the connection no longer counts as one of the instance's pool.</summary>
    public bool Released { get; set; }

    /// <summary>When the whole request must be over, in milliseconds.</summary>
    public long Deadline { get; private set; }

    public Instance? Instance { get; private set; }

    /// <summary>Status and reason that the client gets if no other try is made.</summary>
    public (int Status, string Detail) Failure { get; set; }

    public void Begin(CompiledRoute route, int label, ulong? key, bool idempotent, long deadline)
    {
        Array.Clear(_tried, 0, _tries);
        (Route, Label, Key, Idempotent, Deadline, _tries) = (route, label, key, idempotent, deadline, 0);
        (Instance, Failure, Streams, Released) = (null, default, false, false);
    }

    /// <summary>Chooses the first instance and counts the request in there.</summary>
    public bool TryStart(long now) => (Instance = ServiceInstances.Enter(Route, Key, default, now)) is not null;

    /// <summary>
    /// Moves on to another instance if the rules, the number of tries, the other instances and the retry budget allow it.
    /// </summary>
    /// <param name="unsent">Whether nothing of the request can have reached the failed instance.</param>
    /// <param name="retries">The guide's limits.</param>
    /// <param name="now">In milliseconds.</param>
    /// <returns>Whether <see cref="Instance"/> is another one now; the failed one has been left.</returns>
    public bool TryNext(bool unsent, Retries retries, long now)
    {
        if (_tries >= retries.Attempts || (!unsent && (!Idempotent || Streams)) || now >= Deadline)
        {
            return false;
        }

        if (_tries == _tried.Length)
        {
            Array.Resize(ref _tried, _tries * 2);
        }

        _tried[_tries] = Instance;
        var next = ServiceInstances.Enter(Route, Key, _tried.AsSpan(0, _tries + 1), now);
        if (next is null)
        {
            return false;
        }

        if (!Route.Services[0].Service.Budget.TryTake(now / 1000))
        {
            next.Leave();
            return false;
        }

        _tries++;
        Instance!.SeriesOf(Label).Retried();
        Instance.Leave();
        Instance = next;
        return true;
    }

    /// <summary>Counts the request out.</summary>
    public void Finish()
    {
        Instance?.Leave();
        Instance = null;
    }
}
