using System.Collections.Immutable;
using Tenfold.Guide;

namespace Tenfold.Scaling.Bounds;

/// <summary>The bounds of the number of instances, with those of schedules. Immutable; remembers until when its answer holds.</summary>
internal sealed class Schedules
{
    // Longer than any clock is put forward or back for the summer, so that changed rules of time zones are seen, too.
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromHours(1);

    private readonly Scale _scale;
    private readonly ImmutableArray<(ScaleSchedule Schedule, TimeZoneInfo Zone)> _schedules;
    private readonly Limits _limits;
    private readonly DateTimeOffset _from;
    private readonly DateTimeOffset _until;

    /// <summary>Of a guide that was checked: its time zones exist.</summary>
    public Schedules(Scale scale)
    {
        _scale = scale;
        _schedules = [.. scale.Schedule.Select(schedule => (schedule, TimeZoneInfo.FindSystemTimeZoneById(schedule.TimeZone)))];
        _limits = new Limits(scale.Min, scale.Most, false);
        (_from, _until) = (DateTimeOffset.MaxValue, DateTimeOffset.MinValue);
    }

    private Schedules(Schedules old, Limits limits, DateTimeOffset from, DateTimeOffset until) =>
        (_scale, _schedules, _limits, _from, _until) = (old._scale, old._schedules, limits, from, until);

    /// <summary>Those that hold at a time. Where schedules overlap, the largest minimum and the smallest maximum; a minimum wins over a maximum.</summary>
    public (Limits Limits, Schedules Next) At(DateTimeOffset at)
    {
        if (_schedules.IsEmpty || (at >= _from && at < _until))
        {
            return (_limits, this);
        }

        int? min = null, max = null;
        var until = at + LongestAnswer;
        foreach (var (schedule, zone) in _schedules)
        {
            if (schedule.From.LastBefore(at, zone) > schedule.To.LastBefore(at, zone))
            {
                min = schedule.Min is { } least ? Math.Max(min ?? 0, least) : min;
                max = schedule.Max is { } most ? Math.Min(max ?? int.MaxValue, most) : max;
            }

            until = Earlier(until, Earlier(schedule.From.NextAfter(at, zone), schedule.To.NextAfter(at, zone)));
        }

        // One that says only one of them takes the other with it: more at least than max is more at most, too.
        var lowest = min ?? Math.Min(_scale.Min, max ?? int.MaxValue);
        var limits = new Limits(lowest, Math.Max(lowest, max ?? _scale.Most), min is not null || max is not null);
        return (limits, new Schedules(this, limits, at, until));
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}

/// <summary>How many instances there may be.</summary>
/// <param name="Min">At least.</param>
/// <param name="Max">At most.</param>
/// <param name="IsScheduled">Whether a schedule says so.</param>
internal sealed record Limits(int Min, int Max, bool IsScheduled);
