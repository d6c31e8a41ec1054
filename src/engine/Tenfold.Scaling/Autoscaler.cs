using System.Collections.Immutable;
using System.Globalization;
using Tenfold.Guide;
using Tenfold.Scaling.Bounds;
using Tenfold.Scaling.Rates;

namespace Tenfold.Scaling;

/// <summary>
/// The scaling rules of one service with all that they remember: (state, snapshot) → (decision, new state). Immutable and pure; the same in
/// the running system and in the simulation.
/// </summary>
public sealed class Autoscaler
{
    private readonly Schedules _schedules;
    private readonly ImmutableArray<IScalingPolicy> _policies;
    private readonly RateLimits _rates;

    private Autoscaler(Schedules schedules, ImmutableArray<IScalingPolicy> policies, RateLimits rates) => (_schedules, _policies, _rates) = (schedules, policies, rates);

    /// <summary>Of a service that was not watched before.</summary>
    /// <param name="scale">Its rules.</param>
    /// <param name="queues">The guide's queues, for rules that name one.</param>
    public static Autoscaler For(Scale scale, IReadOnlyDictionary<string, QueuePolicy>? queues = null)
    {
        ArgumentNullException.ThrowIfNull(scale);
        return new Autoscaler(new Schedules(scale), [.. Policies.Of(scale, queues ?? ImmutableDictionary<string, QueuePolicy>.Empty)], new RateLimits(scale.Outward, scale.Inward));
    }

    /// <summary>What is to be done now. To be called once in every <see cref="Scale.Interval"/>.</summary>
    public (Decision Decision, Autoscaler Next) Decide(Snapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        var (limits, schedules) = _schedules.At(snapshot.At);
        var count = snapshot.Count;
        var wishes = Wishes(snapshot, limits);
        var policies = wishes.Policies;
        var (slowed, rates) = wishes.Wanted is { } wanted
            ? _rates.Wish(snapshot.Now, count, wanted, wishes.Lasting)
            : (new Slowed(count, wishes.IsBlind ? ScalingLimit.MissingData : ScalingLimit.None, ""), _rates);
        if (wishes.IsBlind && slowed.Count < count)
        {
            slowed = new Slowed(count, ScalingLimit.MissingData, "nothing is removed while something was not seen");
        }

        var (to, limit, said) = Bounded(snapshot, limits, slowed);
        var reason = $"{wishes.Saw}{(wishes.Wanted is { } number ? $": wants {Number(number)}" : "")}{(said.Length > 0 ? $"; {said}" : "")}";
        var decision = new Decision(snapshot.At, count, to, wishes.Wanted, limit, reason);
        return (decision, new Autoscaler(schedules, policies, rates.Changed(snapshot.Now, count, to)));
    }

    private (int? Wanted, int Lasting, bool IsBlind, string Saw, ImmutableArray<IScalingPolicy> Policies) Wishes(Snapshot snapshot, Limits limits)
    {
        var next = ImmutableArray.CreateBuilder<IScalingPolicy>(_policies.Length);
        int? wanted = null, floor = null;
        var lasting = 0;
        var isBlind = false;
        string? loudest = null, blind = null, idle = null, lowest = null;
        foreach (var policy in _policies)
        {
            var (proposal, after) = policy.Propose(snapshot);
            next.Add(after);
            lasting = Math.Max(lasting, proposal.Lasting);
            switch (proposal.Kind)
            {
                case ProposalKind.Wish:
                    (wanted, loudest) = proposal.Count > (wanted ?? -1) ? (proposal.Count, proposal.Saw) : (wanted, loudest);
                    break;
                case ProposalKind.Floor:
                    (floor, lowest) = proposal.Count > (floor ?? -1) ? (proposal.Count, proposal.Saw) : (floor, lowest);
                    break;
                case ProposalKind.Blind:
                    (isBlind, blind) = (true, blind ?? proposal.Saw);
                    break;
                default:
                    idle ??= proposal.Saw;
                    break;
            }
        }

        if (_policies.IsEmpty)
        {
            // Nothing but a schedule: its own number, and outside of it the guide's.
            (wanted, lasting, loudest) = (limits.Min, limits.Min, limits.IsScheduled ? "its schedule" : "outside its schedules");
        }

        if (floor is { } more && more > (wanted ?? snapshot.Count))
        {
            (wanted, loudest) = (more, lowest);
        }

        return (wanted, Math.Min(lasting, wanted ?? 0), isBlind, loudest is null ? blind ?? idle ?? "no rule" : isBlind ? $"{loudest}, {blind}" : loudest, next.MoveToImmutable());
    }

    private static (int To, ScalingLimit Limit, string Said) Bounded(Snapshot snapshot, Limits limits, Slowed slowed)
    {
        if (snapshot.Pinned is { } pinned)
        {
            return (pinned, ScalingLimit.Pin, $"pinned at {Number(pinned)} by hand");
        }

        var (to, limit, said) = (slowed.Count, slowed.Limit, slowed.Said);
        if (to < limits.Min)
        {
            (to, limit, said) = (limits.Min, ScalingLimit.Min, $"min is {Number(limits.Min)}{(limits.IsScheduled ? " by its schedule" : "")}");
        }
        else if (to > limits.Max)
        {
            (to, limit, said) = (limits.Max, ScalingLimit.Max, $"max is {Number(limits.Max)}{(limits.IsScheduled ? " by its schedule" : "")}");
        }

        // What is there stays, however little room there is.
        if (snapshot.Room is { } room && to > snapshot.Count && to > room)
        {
            (to, limit, said) = (Math.Max(snapshot.Count, room), ScalingLimit.Machine, $"this machine has room for {Number(room)}");
        }

        return (to, limit, said);
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
