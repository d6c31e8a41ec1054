using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Tenfold.Scaling.Windows;

/// <summary>
/// What was seen within a time. Immutable, and of bounded size: what comes within a sixtieth of the window is kept as one, so that the largest, the smallest
/// and the sum stay right, and only the moment of leaving is blurred by that much.
/// </summary>
internal sealed class TimeWindow
{
    private const int Parts = 60;

    private readonly TimeSpan _length;
    private readonly ImmutableArray<Entry> _entries;

    /// <summary>Empty.</summary>
    public TimeWindow(TimeSpan length)
        : this(length, [])
    {
    }

    private TimeWindow(TimeSpan length, ImmutableArray<Entry> entries) => (_length, _entries) = (length, entries);

    public bool IsEmpty => _entries.IsEmpty;

    /// <summary>With one more, and without what is older than the window.</summary>
    /// <param name="now">Never earlier than that of the last one.</param>
    /// <param name="value">What was seen.</param>
    /// <param name="weight">How long it was so, in seconds, for averages.</param>
    public TimeWindow With(TimeSpan now, double value, double weight = 1)
    {
        var first = FirstAfter(now - _length);
        var kept = _entries.Length - first;
        var joins = kept > 0 && now - _entries[^1].From < _length / Parts;
        var entries = new Entry[joins ? kept : kept + 1];
        _entries.AsSpan()[first..].CopyTo(entries);
        entries[^1] = joins
            ? entries[^1] with { At = now, Most = Math.Max(entries[^1].Most, value), Least = Math.Min(entries[^1].Least, value), Sum = entries[^1].Sum + (value * weight), Weight = entries[^1].Weight + weight }
            : new Entry(now, now, value, value, value * weight, weight);
        return new TimeWindow(_length, ImmutableCollectionsMarshal.AsImmutableArray(entries));
    }

    /// <summary>The largest one that came after a time; <paramref name="otherwise"/> when it is larger, or there is none.</summary>
    public double MostAfter(TimeSpan time, double otherwise)
    {
        for (var i = FirstAfter(time); i < _entries.Length; i++)
        {
            otherwise = Math.Max(otherwise, _entries[i].Most);
        }

        return otherwise;
    }

    /// <summary>The smallest one that came after a time; <paramref name="otherwise"/> when it is smaller, or there is none.</summary>
    public double LeastAfter(TimeSpan time, double otherwise)
    {
        for (var i = FirstAfter(time); i < _entries.Length; i++)
        {
            otherwise = Math.Min(otherwise, _entries[i].Least);
        }

        return otherwise;
    }

    /// <summary>The sum of those that came after a time.</summary>
    public double SumAfter(TimeSpan time)
    {
        var sum = 0.0;
        for (var i = FirstAfter(time); i < _entries.Length; i++)
        {
            sum += _entries[i].Sum;
        }

        return sum;
    }

    /// <summary>The average by weight of those that came after a time, and not after another one; null: none.</summary>
    public double? AverageOf(TimeSpan after, TimeSpan until)
    {
        var (sum, weight) = (0.0, 0.0);
        for (var i = FirstAfter(after); i < _entries.Length && _entries[i].At <= until; i++)
        {
            sum += _entries[i].Sum;
            weight += _entries[i].Weight;
        }

        return weight > 0 ? sum / weight : null;
    }

    private int FirstAfter(TimeSpan time)
    {
        var first = 0;
        while (first < _entries.Length && _entries[first].At <= time)
        {
            first++;
        }

        return first;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Entry(TimeSpan From, TimeSpan At, double Most, double Least, double Sum, double Weight);
}
