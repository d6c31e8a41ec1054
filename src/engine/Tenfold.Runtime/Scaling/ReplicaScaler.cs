using Tenfold.Guide;
using Tenfold.Runtime.Stores;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Scaling;

/// <summary>
/// Keeps the number of a database's replicas as its store's rules say. Whatever goes wrong, the replicas stay as they are, and it goes on. Thread-safe.
/// </summary>
/// <param name="database">The database, which brings its replicas to the number by itself.</param>
/// <param name="record">Writes a decision down.</param>
/// <param name="note">Told what goes wrong.</param>
/// <param name="time">Clock.</param>
internal sealed class ReplicaScaler(PostgresDatabase database, Func<string, Decision, ScalingDecision> record, Action<string> note, TimeProvider time)
{
    private readonly ReplicaSampler _sampler = new(database, time);
    private readonly Lock _lock = new();
    private Autoscaler _rules = Autoscaler.For(database.Plan.Settings.Scale!.Rules);
    private int? _pinned;
    private string? _fault;

    /// <summary>The database's name.</summary>
    public string Name => database.Name;

    /// <summary>The store's name.</summary>
    public string Store => database.Plan.Store;

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
            database.WantedReplicas = count ?? from;
            var reason = count is null ? "no longer pinned: its rules decide again" : $"pinned at {count} by hand";
            record(Name, new Decision(time.GetUtcNow(), from, count ?? from, null, count is null ? ScalingLimit.None : ScalingLimit.Pin, reason));
        }
    }

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(StoreScale.Interval, time);
        while (await timer.WaitForNextTickAsync(cancel))
        {
            try
            {
                Decide();
                _fault = null;
            }
#pragma warning disable CA1031 // Whatever it is: a database that runs is better than one that is scaled.
            catch (Exception e)
#pragma warning restore CA1031
            {
                if (_fault != e.Message)
                {
                    _fault = e.Message;
                    note($"the autoscaler of {Name}'s replicas failed, they stay as they are and it goes on: {e.Message}");
                }
            }
        }
    }

    /// <summary>One look and what follows from it.</summary>
    internal Decision Decide()
    {
        lock (_lock)
        {
            var (decision, next) = _rules.Decide(_sampler.Take() with { Pinned = _pinned });
            _rules = next;
            if (decision.IsChange)
            {
                database.WantedReplicas = decision.To;
                record(Name, decision);
            }

            return decision;
        }
    }
}
