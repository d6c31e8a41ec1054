using System.Runtime.InteropServices;
using Tenfold.Guide;
using Tenfold.Scaling.Metrics;
using Tenfold.Scaling.Windows;

namespace Tenfold.Scaling.Rates;

/// <summary>
/// Slows a wish down, as the behaviours of Kubernetes' HorizontalPodAutoscaler do: the most cautious wish of a window, then so many in a time, then
/// cooldowns. Immutable, with what was wished and done before.
/// </summary>
internal sealed class RateLimits
{
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);

    private readonly ScaleRate _out;
    private readonly ScaleRate _in;
    private readonly TimeWindow _wishes;
    private readonly TimeWindow _added;
    private readonly TimeWindow _removed;
    private readonly TimeSpan? _lastOut;
    private readonly TimeSpan? _lastIn;

    /// <summary>Nothing was wished yet. What a direction does not say is filled in.</summary>
    public RateLimits(ScaleRate outwards, ScaleRate inwards)
    {
        (_out, _in) = (outwards, inwards);
        _wishes = new TimeWindow(Longest([outwards.Window ?? default, inwards.Window ?? default]));
        var period = Longest([.. outwards.Policies.Concat(inwards.Policies).Select(policy => policy.Every)]);
        (_added, _removed) = (new TimeWindow(period), new TimeWindow(period));
    }

    private RateLimits(RateLimits old, TimeWindow wishes, TimeWindow added, TimeWindow removed, TimeSpan? lastOut, TimeSpan? lastIn) =>
        (_out, _in, _wishes, _added, _removed, _lastOut, _lastIn) = (old._out, old._in, wishes, added, removed, lastOut, lastIn);

    /// <summary>What may be done now about a wish, what kept it, and the same with what of it lasts remembered.</summary>
    public (Slowed Slowed, RateLimits Next) Wish(TimeSpan now, int count, int wish, int lasting)
    {
        var wishes = _wishes.IsEmpty ? _wishes.With(now, count) : _wishes; // what runs was somebody's wish
        var next = new RateLimits(this, wishes.With(now, lasting), _added, _removed, _lastOut, _lastIn);
        var (outwards, inwards) = ((int)wishes.LeastAfter(now - (_out.Window ?? default), wish), (int)wishes.MostAfter(now - (_in.Window ?? default), wish));
        var stable = Math.Min(Math.Max(count, outwards), inwards);
        var slowed = stable != wish ? new Slowed(stable, ScalingLimit.Window, Window(wish > count)) : new Slowed(wish, ScalingLimit.None, "");
        if (stable != count && Cooldown(now, stable > count) is { } left)
        {
            slowed = new Slowed(count, ScalingLimit.Cooldown, $"the cooldown after the last change lasts {Duration.Format(left)} more");
        }
        else if (stable != count && Allowed(now, count, stable > count) is var allowed && (stable > count ? allowed < stable : allowed > stable))
        {
            slowed = new Slowed(allowed, ScalingLimit.Rate, Rate(stable > count));
        }

        return (slowed, next);
    }

    /// <summary>The same after a change was made.</summary>
    public RateLimits Changed(TimeSpan now, int from, int to) => to > from
        ? new RateLimits(this, _wishes, _added.With(now, to - from), _removed, now, _lastIn)
        : to < from ? new RateLimits(this, _wishes, _added, _removed.With(now, from - to), _lastOut, now)
        : this;

    private TimeSpan? Cooldown(TimeSpan now, bool isOut) =>
        (isOut ? _lastOut + _out.Cooldown : _lastIn + _in.Cooldown) is { } until && until > now ? until - now : null;

    private int Allowed(TimeSpan now, int count, bool isOut)
    {
        var rate = isOut ? _out : _in;
        if (rate.Select == ScaleSelect.Disabled)
        {
            return count;
        }

        int? allowed = null;
        foreach (var policy in rate.Policies)
        {
            var of = isOut ? More(now, count, policy) : Fewer(now, count, policy);
            // The one that allows most is the largest on the way out, and the smallest on the way in.
            allowed = allowed is not { } before ? of : isOut == (rate.Select == ScaleSelect.Max) ? Math.Max(before, of) : Math.Min(before, of);
        }

        return allowed is not { } limit ? (isOut ? int.MaxValue : 0) : isOut ? Math.Max(limit, count) : Math.Min(limit, count);
    }

    private int More(TimeSpan now, int count, ScaleRateLimit policy)
    {
        var start = Start(now, count, policy.Every);
        return policy.Instances is { } instances ? start + instances : Counts.Ceiling(Math.Max(1, start) * (1 + (policy.Percent!.Value / 100.0)));
    }

    private int Fewer(TimeSpan now, int count, ScaleRateLimit policy)
    {
        var start = Start(now, count, policy.Every);
        return policy.Instances is { } instances ? start - instances : (int)Math.Floor((start * (1 - (policy.Percent!.Value / 100.0))) + 1e-9);
    }

    private int Start(TimeSpan now, int count, TimeSpan period) => count - (int)_added.SumAfter(now - period) + (int)_removed.SumAfter(now - period);

    private string Window(bool isOut) => isOut
        ? $"out waits until the wish has lasted {Duration.Format(_out.Window ?? default)}"
        : $"in goes by the most that was wished in {Duration.Format(_in.Window ?? default)}";

    private string Rate(bool isOut)
    {
        var rate = isOut ? _out : _in;
        var limits = rate.Policies.Select(policy => $"{policy.Instances?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? policy.Percent + "%"} in {Duration.Format(policy.Every)}");
        return rate.Select == ScaleSelect.Disabled ? $"{(isOut ? "out" : "in")} is disabled" : $"{(isOut ? "out" : "in")} allows {string.Join(rate.Select == ScaleSelect.Max ? " or " : " and ", limits)}";
    }

    private static TimeSpan Longest(TimeSpan[] times) => times.Append(Least).Max();
}

/// <summary>A wish after it was slowed down.</summary>
/// <param name="Count">Instances that are allowed now.</param>
/// <param name="Limit">What kept it.</param>
/// <param name="Said">The same for people.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Slowed(int Count, ScalingLimit Limit, string Said);
