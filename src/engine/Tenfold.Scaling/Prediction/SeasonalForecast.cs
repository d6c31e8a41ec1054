using System.Collections.Immutable;

namespace Tenfold.Scaling.Prediction;

/// <summary>
/// What load is to be expected: that of the same slot of the seasons before (smoothed exponentially, as the seasonal part of Holt-Winters), times the level of
/// the present: how the last slots were beside what was expected of them. Their median, so that a peak that comes a little earlier or later does not count as
/// a higher level. Knows how far its own forecasts were off. Immutable; as large as one season, and copied only when a slot ends.
/// </summary>
internal sealed class SeasonalForecast
{
    private const double Newest = 0.5;           // weight of the last season in what is expected
    private const double Quiet = 0.05;           // slots below this share of the average say nothing about the level
    private const double Least = 0.5, Most = 2;  // the level is not taken to be further off
    private const int LevelSlots = 15;
    private const int Judged = 3;                // forecasts that must have been compared before the error is known
    private const double Whole = 0.9;            // share of a season that must have been seen
    private const double WorstError = 10;

    private readonly ImmutableArray<Slot> _slots;
    private readonly int _known;
    private readonly double _level;
    private readonly long _number;
    private readonly double _sum, _seconds; // of the slot that has not ended

    /// <summary>Nothing was seen yet.</summary>
    public SeasonalForecast(Season season)
        : this(season, ImmutableArray.Create(new Slot[season.Slots]), 0, 1, null, 0, 0, 0)
    {
    }

    private SeasonalForecast(Season season, ImmutableArray<Slot> slots, int known, double level, double? error, long number, double sum, double seconds) =>
        (Season, _slots, _known, _level, Error, _number, _sum, _seconds) = (season, slots, known, level, error, number, sum, seconds);

    public Season Season { get; }

    /// <summary>Whether a whole season was seen.</summary>
    public bool IsWhole => _known >= Whole * Season.Slots;

    /// <summary>How far forecasts of one slot ahead were off in the last season: the sum of their misses, as a share of the load. Null: none was compared yet.</summary>
    public double? Error { get; }

    /// <summary>With the load of a time that ended at <paramref name="at"/>.</summary>
    public SeasonalForecast With(DateTimeOffset at, TimeSpan over, double load)
    {
        // An average over much longer than a slot, as after a pause, tells of none.
        var seconds = over > 2 * Season.Slot ? 0 : Math.Max(0, over.TotalSeconds);
        var number = Season.NumberOf(at - (over / 2));
        return number == _number
            ? new SeasonalForecast(Season, _slots, _known, _level, Error, number, _sum + (load * seconds), _seconds + seconds)
            : Ended(number, load * seconds, seconds);
    }

    /// <summary>The highest load that is expected of any slot between two times; null: they were never seen.</summary>
    public double? Highest(DateTimeOffset from, DateTimeOffset to)
    {
        double? highest = null;
        var first = Season.NumberOf(from);
        var last = Math.Min(Season.NumberOf(to), first + Season.Slots - 1);
        for (var number = first; number <= last; number++)
        {
            if (_slots[Season.PlaceOf(number)] is { IsKnown: true } slot)
            {
                highest = Math.Max(highest ?? 0, slot.Expected * _level);
            }
        }

        return highest;
    }

    // A slot of which less than half was seen (a pause, a clock that was set) is as if it had not been.
    private SeasonalForecast Ended(long number, double sum, double seconds)
    {
        if (_seconds * 2 < Season.Slot.TotalSeconds)
        {
            return new SeasonalForecast(Season, _slots, _known, _level, Error, number, sum, seconds);
        }

        var place = Season.PlaceOf(_number);
        var old = _slots[place];
        var actual = _sum / _seconds;
        var slots = _slots.SetItem(place, old.IsKnown
            ? new Slot(_number, old.Expected + (Newest * (actual - old.Expected)), actual, old.Expected, Math.Abs((old.Expected * _level) - actual))
            : new Slot(_number, actual, actual, null, null));
        return new SeasonalForecast(Season, slots, _known + (old.IsKnown ? 0 : 1), LevelOf(slots), ErrorOf(slots), number, sum, seconds);
    }

    private double LevelOf(ImmutableArray<Slot> slots)
    {
        var sum = 0.0;
        foreach (var slot in slots)
        {
            sum += slot.Expected;
        }

        var quiet = Quiet * sum / Math.Max(1, _known);
        Span<double> ratios = stackalloc double[LevelSlots];
        var count = 0;
        for (var number = _number; number > _number - Math.Min(LevelSlots, Season.Slots); number--)
        {
            if (slots[Season.PlaceOf(number)] is { Before: > 0 and var before } slot && slot.Number == number && before >= quiet)
            {
                ratios[count++] = slot.Actual / before;
            }
        }

        if (count == 0)
        {
            return 1;
        }

        ratios = ratios[..count];
        ratios.Sort();
        return Math.Clamp((ratios[(count - 1) / 2] + ratios[count / 2]) / 2, Least, Most);
    }

    private double? ErrorOf(ImmutableArray<Slot> slots)
    {
        double miss = 0, load = 0;
        var count = 0;
        foreach (var slot in slots)
        {
            if (slot.Miss is { } off && slot.Number > _number - Season.Slots)
            {
                miss += off;
                load += slot.Actual;
                count++;
            }
        }

        return count < Math.Min(Judged, Season.Slots) ? null : miss <= 0 ? 0 : Math.Min(WorstError, miss / load);
    }
}
