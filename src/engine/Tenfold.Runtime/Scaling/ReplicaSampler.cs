using Tenfold.Runtime.Stores;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Scaling;

/// <summary>Looks at the replicas of one database, as a rule's instances. What was not seen is null, never a guess. Not thread-safe.</summary>
internal sealed class ReplicaSampler(PostgresDatabase database, TimeProvider time)
{
    private Dictionary<string, Seen> _before = new(StringComparer.Ordinal);
    private long _at = time.GetTimestamp();

    /// <summary>The database since the last call; the pin is for the caller to add.</summary>
    public Snapshot Take()
    {
        var now = time.GetTimestamp();
        var over = time.GetElapsedTime(_at, now);
        var seen = new Dictionary<string, Seen>(StringComparer.Ordinal);
        var samples = database.Replicas.Select(replica => Sample(replica, seen)).ToArray();
        (_before, _at) = (seen, now);
        return new Snapshot { Now = time.GetElapsedTime(0, now), At = time.GetUtcNow(), Over = over, Count = database.WantedReplicas, Instances = samples };
    }

    private InstanceSample Sample(PostgresMember replica, Dictionary<string, Seen> seen)
    {
        var at = time.GetTimestamp();
        var begun = replica.Server.Started;
        var before = _before.TryGetValue(replica.Name, out var old) && old.Started == begun ? old : null;
        var follows = replica is { IsStarted: true, Answers: true, Probe.Streams: true };
        var used = replica.Node.CpuTime;
        var ready = before?.Ready ?? (follows ? at : null);
        if (begun is { } started)
        {
            seen[replica.Name] = new Seen(started, used, at, ready);
        }

        return new InstanceSample
        {
            Phase = replica.LeavingSince is not null ? InstancePhase.Leaving : follows ? InstancePhase.Ready : ready is null ? InstancePhase.Starting : InstancePhase.Unready,
            Age = begun is { } since ? time.GetElapsedTime(since, at) : TimeSpan.Zero,
            ReadyFor = ready is { } first ? time.GetElapsedTime(first, at) : null,
            Cpu = before?.Cpu is { } earlier && used is { } now && now >= earlier && time.GetElapsedTime(before.At, at) is { Ticks: > 0 } over
                ? (now - earlier) / over / database.Plan.Settings.Cpu!.Value.Cores
                : null,
        };
    }

    /// <summary>A replica at the last look.</summary>
    private sealed record Seen(long Started, TimeSpan? Cpu, long At, long? Ready);
}
