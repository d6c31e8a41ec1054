using System.Runtime.InteropServices;
using Tenfold.Guide;

namespace Tenfold.Load.Pacing;

/// <summary>
/// When the arrivals of an open model are due: the exact integral of the rate, which goes in a straight line from the level
/// before a stage (0 at first) to its own. Pure and immutable; thread-safe.
/// </summary>
public sealed class ArrivalPacing
{
    // The integral of a long test is near 1e9; a double is exact to 1e-7 there. Without it 0.1/s for 10 s may give 0.
    private const double Rounding = 1e-6;

    private readonly Segment[] _segments;

    /// <param name="stages">Stages that set <see cref="LoadStage.Rate"/>.</param>
    public ArrivalPacing(IReadOnlyList<LoadStage> stages)
    {
        ArgumentNullException.ThrowIfNull(stages);
        _segments = new Segment[stages.Count];
        var (start, before, from) = (0.0, 0.0, 0.0);
        for (var i = 0; i < stages.Count; i++)
        {
            var to = stages[i].Rate ?? 0;
            _segments[i] = new Segment(start, stages[i].For.TotalSeconds, from, to, before);
            start += _segments[i].Seconds;
            before += _segments[i].Arrivals;
            from = to;
        }

        Total = (long)Math.Floor(before + Rounding);
    }

    /// <summary>Arrivals of the whole test.</summary>
    public long Total { get; }

    /// <summary>How many arrivals should have begun by <paramref name="elapsed"/>.</summary>
    public long Due(TimeSpan elapsed)
    {
        var seconds = elapsed.TotalSeconds;
        foreach (var segment in _segments)
        {
            if (seconds < segment.Start + segment.Seconds)
            {
                return (long)Math.Floor(segment.Before + segment.ArrivalsIn(Math.Max(0, seconds - segment.Start)) + Rounding);
            }
        }

        return Total;
    }

    /// <summary>The intended time of arrival <paramref name="number"/> (from 1): when <see cref="Due"/> reaches it.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not between 1 and <see cref="Total"/>.</exception>
    public TimeSpan TimeOf(long number) => TimeSpan.FromTicks(NanosecondsOf(number) / TimeSpan.NanosecondsPerTick);

    /// <summary><see cref="TimeOf"/> in nanoseconds.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not between 1 and <see cref="Total"/>.</exception>
    public long NanosecondsOf(long number)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, Total);
        foreach (var segment in _segments)
        {
            if (segment.Arrivals > 0 && number <= segment.Before + segment.Arrivals + Rounding)
            {
                return (long)((segment.Start + segment.TimeOf(number - segment.Before)) * 1e9);
            }
        }

        throw new ArgumentOutOfRangeException(nameof(number), number, null);
    }

    /// <summary>Arrivals a second that the stages ask for at a moment; 0 after the end.</summary>
    public static double RateAt(IReadOnlyList<LoadStage> stages, TimeSpan elapsed)
    {
        ArgumentNullException.ThrowIfNull(stages);
        var (from, start) = (0.0, TimeSpan.Zero);
        foreach (var stage in stages)
        {
            var to = stage.Rate ?? 0;
            if (elapsed < start + stage.For)
            {
                return from + ((to - from) * ((elapsed - start) / stage.For));
            }

            (from, start) = (to, start + stage.For);
        }

        return 0;
    }

    /// <summary>A stage: seconds from the start of the test, rates a second, arrivals before it.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Segment(double Start, double Seconds, double From, double To, double Before)
    {
        public double Arrivals => (From + To) / 2 * Seconds;

        private double Slope => (To - From) / Seconds;

        public double ArrivalsIn(double seconds) => (From * seconds) + (Slope * seconds * seconds / 2);

        // The root of From·t + Slope·t²/2 = n, written so that nothing cancels when the slope is near 0.
        public double TimeOf(double n) =>
            n <= 0 ? 0 : Math.Min(Seconds, 2 * n / (From + Math.Sqrt(Math.Max(0, (From * From) + (2 * Slope * n)))));
    }
}
