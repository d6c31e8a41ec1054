using Tenfold.Scaling.Windows;

namespace Tenfold.Scaling.Demand;

/// <summary>The load that arrives: how much of it is more than chance, and where it goes. Immutable.</summary>
internal sealed class Arrivals
{
    private const double Chance = 2;    // standard deviations
    private const double Few = 10;
    private const double Surprising = 3.3; // the same

    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Part = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Recent = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan SurpriseMemory = TimeSpan.FromMinutes(10);

    private readonly TimeWindow _rates;
    private readonly double _last;
    private readonly TimeSpan _now;
    private readonly double _over;
    private readonly double _surprise; // mean square

    /// <summary>Nothing was seen yet.</summary>
    public Arrivals()
        : this(new TimeWindow(Memory), 0, default, 1, 0)
    {
    }

    private Arrivals(TimeWindow rates, double last, TimeSpan now, double over, double surprise) => (_rates, _last, _now, _over, _surprise) = (rates, last, now, over, surprise);

    /// <summary>With what arrived in a time, a second.</summary>
    /// <param name="now">By the clock that never jumps.</param>
    /// <param name="over">The time.</param>
    /// <param name="rate">Requests a second.</param>
    /// <param name="ahead">How long an instance takes to start: surprises are what comes within that.</param>
    public Arrivals With(TimeSpan now, TimeSpan over, double rate, TimeSpan ahead)
    {
        var seconds = Math.Max(over.TotalSeconds, 0.001);
        var rates = _rates.With(now, rate, seconds);
        var then = now - (ahead < Memory - Recent ? ahead : Memory - Recent);
        var (before, current) = (rates.AverageOf(then - Recent, then) ?? 0, rates.AverageOf(now - Recent, now) ?? rate);
        if (before <= 0)
        {
            return new Arrivals(rates, rate, now, seconds, _surprise);
        }

        // Twice as much is no noise any more. What chance does to both averages (Poisson) is no surprise.
        var rise = Math.Clamp((current / before) - 1, -1, 1);
        var square = Math.Max(0, (rise * rise) - (1 / (Recent.TotalSeconds * before)) - (1 / (Recent.TotalSeconds * Math.Max(current, 1))));
        var weight = 1 - Math.Exp(-seconds / SurpriseMemory.TotalSeconds);
        return new Arrivals(rates, rate, now, seconds, _surprise + (weight * (square - _surprise)));
    }

    /// <summary>By how much of itself the load may rise while an instance starts, from how it went up and down in the last minutes.</summary>
    public double Surprise => Surprising * Math.Sqrt(_surprise);

    /// <summary>The average of the last moments, of ten requests at least, or at once what the last sample is more than chance allows (Poisson).</summary>
    public double Level
    {
        get
        {
            var ten = TimeSpan.FromSeconds(Math.Min(Memory.TotalSeconds, Few / Math.Max(0.01, _rates.AverageOf(_now - Memory, _now) ?? _last)));
            var average = _rates.AverageOf(_now - (ten > Recent ? ten : Recent), _now) ?? _last;
            return Math.Max(average, _last - (Chance * Math.Sqrt(_last / _over)));
        }
    }

    /// <summary>
    /// By how much a second it rises: the smallest one of three rises in a row. A step is in two of them at most, so it is not taken for a slope. 0 when it does not rise.
    /// </summary>
    public double Slope
    {
        get
        {
            var least = double.PositiveInfinity;
            double? later = null;
            for (var part = 0; part < 4; part++)
            {
                var until = _now - (part * Part);
                if (_rates.AverageOf(until - Part, until) is not { } average)
                {
                    return 0;
                }

                least = later is { } after ? Math.Min(least, after - average) : least;
                later = average;
            }

            return Math.Max(0, least) / Part.TotalSeconds;
        }
    }
}
