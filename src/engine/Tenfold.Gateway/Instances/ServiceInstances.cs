using System.Collections.Immutable;
using Tenfold.Gateway.Balancing;
using Tenfold.Gateway.Metrics;
using Tenfold.Gateway.Retrying;
using Tenfold.Gateway.Routing;

namespace Tenfold.Gateway.Instances;

/// <summary>The instances of one service that are known now, and what its gone ones have counted. Thread-safe.</summary>
internal sealed class ServiceInstances(string name, Guide.Health health, RetryBudget budget, int labels)
{
    private readonly Lock _lock = new();
    private readonly SeriesSnapshot?[] _gone = new SeriesSnapshot?[labels]; // by label
    private readonly Series?[] _own = new Series?[labels];
    private readonly List<(Instance Instance, bool Quiet)> _retired = []; // still to be added to _gone
    private ImmutableArray<Instance> _all = [];

    public string Name => name;

    public Guide.Health Health => health;

    public RetryBudget Budget => budget;

    public ImmutableArray<Instance> All => _all;

    /// <summary>What requests with this label met that never reached an instance.</summary>
    public Series Own(int label) => Volatile.Read(ref _own[label]) ?? Interlocked.CompareExchange(ref _own[label], new Series(), null) ?? _own[label]!;

    /// <summary>The series of <see cref="Own"/> by label, as far as there are any.</summary>
    public ReadOnlySpan<Series?> OwnSeries => _own;

    public Instance? Find(string instance) => _all.FirstOrDefault(i => string.Equals(i.Upstream.Instance, instance, StringComparison.Ordinal));

    /// <summary>Adds an instance; one of the same name is replaced and returned.</summary>
    public Instance? Add(Instance instance)
    {
        lock (_lock)
        {
            var old = Find(instance.Upstream.Instance);
            Retire(old);
            _all = old is null ? _all.Add(instance) : _all.Replace(old, instance);
            return old;
        }
    }

    public Instance? Remove(string instance)
    {
        lock (_lock)
        {
            var old = Find(instance);
            Retire(old);
            _all = old is null ? _all : _all.Remove(old);
            return old;
        }
    }

    /// <summary>Its instances now and, at one moment with them, what gone ones have counted, by label.</summary>
    public (ImmutableArray<Instance> Instances, SeriesSnapshot?[] Gone) Look()
    {
        lock (_lock)
        {
            SeriesSnapshot?[] gone = [.. Settle()];
            foreach (var (instance, _) in _retired)
            {
                AddUp(gone, instance);
            }

            return (_all, gone);
        }
    }

    private void Retire(Instance? old)
    {
        if (old is not null)
        {
            Settle();
            _retired.Add((old, false));
        }
    }

    // A request may outlive its instance's removal (it often ends because of it) and counts when it is over. So an instance
    // is added up for good only when nothing was in flight there at the look before.
    private SeriesSnapshot?[] Settle()
    {
        for (var i = _retired.Count - 1; i >= 0; i--)
        {
            var (instance, quiet) = _retired[i];
            _retired[i] = (instance, instance.InFlight == 0);
            if (quiet)
            {
                AddUp(_gone, instance);
                _retired.RemoveAt(i);
            }
        }

        return _gone;
    }

    private void AddUp(SeriesSnapshot?[] sums, Instance instance)
    {
        for (var i = 0; i < labels; i++)
        {
            if (instance.AllSeries[i]?.Snapshot() is { } last)
            {
                sums[i] = sums[i]?.Plus(last) ?? last;
            }
        }
    }

    /// <summary>
    /// Chooses an instance for a route and counts the request in. Instances that are unwell are used only when no other is
    /// left (better a request that may fail than one that must), leaving ones never.
    /// </summary>
    /// <param name="route">Whose services and policy.</param>
    /// <param name="key">Hash that the request is to stick to.</param>
    /// <param name="tried">Instances that have failed this request.</param>
    /// <param name="now">In milliseconds.</param>
    /// <returns>Null when there is none.</returns>
    public static Instance? Enter(CompiledRoute route, ulong? key, ReadOnlySpan<Instance?> tried, long now)
    {
        for (var attempt = 0; attempt < 8; attempt++)
        {
            var chosen = Choose(route, key, tried, now, InstanceState.Ready) ?? Choose(route, key, tried, now, null);
            if (chosen is null || chosen.TryEnter())
            {
                return chosen;
            }
        }

        return null;
    }

    private static Instance? Choose(CompiledRoute route, ulong? key, ReadOnlySpan<Instance?> tried, long now, InstanceState? wanted)
    {
        var most = 0;
        foreach (var (service, _) in route.Services)
        {
            most += service._all.Length;
        }

        Span<Candidate> candidates = most <= 32 ? stackalloc Candidate[32] : new Candidate[most];
        Span<int> places = most <= 32 ? stackalloc int[32] : new int[most];
        var (count, place) = (0, 0);
        var lists = route.Services;
        for (var s = 0; s < lists.Length; s++)
        {
            foreach (var instance in lists[s].Service._all)
            {
                var state = instance.State(now);
                if (count < candidates.Length && (wanted is null ? state != InstanceState.Draining : state == wanted) && !tried.Contains(instance))
                {
                    candidates[count] = new Candidate(instance.Id, instance.InFlight, lists[s].Weight * instance.Share(now));
                    places[count++] = place;
                }

                place++;
            }
        }

        return count == 0 ? null : At(route, places[count == 1 ? 0 : route.Policy.Pick(candidates[..count], key)]);
    }

    private static Instance? At(CompiledRoute route, int place)
    {
        foreach (var (service, _) in route.Services)
        {
            var all = service._all;
            if (place < all.Length)
            {
                return all[place];
            }

            place -= all.Length;
        }

        return null; // Left between the two looks; the caller tries again or answers 503.
    }
}
