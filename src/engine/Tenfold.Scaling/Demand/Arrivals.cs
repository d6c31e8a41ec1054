using Tenfold.Scaling.Windows;

namespace Tenfold.Scaling.Demand;

/// <summary>The load that arrives: how much of it is more than chance, and where it goes. Immutable.</summary>
internal sealed class Arrivals
{
    private const double Deviations = 2;

    private static readonly TimeSpan Memory = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Recent = TimeSpan.FromSeconds(3);

    private readonly TimeWindow _rates;
    private readonly double _last;
    private readonly TimeSpan _now;
    private readonly double _over;

    /// <summary>Nothing was seen yet.</summary>
    public Arrivals()
        : this(new TimeWindow(Memory), 0, default, 1)
    {
    }

    private Arrivals(TimeWindow rates, double last, TimeSpan now, double over) => (_rates, _last, _now, _over) = (rates, last, now, over);

    /// <summary>With what arrived in a time, a second.</summary>
    public Arrivals With(TimeSpan now, TimeSpan over, double rate)
    {
        var seconds = Math.Max(over.TotalSeconds, 0.001);
        return new Arrivals(_rates.With(now, rate, seconds), rate, now, seconds);
    }

    /// <summary>The average of the last moments, or at once what the last sample is more than chance allows (Poisson).</summary>
    public double Level => Math.Max(_rates.AverageOf(_now - Recent, _now) ?? _last, _last - (Deviations * Math.Sqrt(_last / _over)));

    /// <summary>
    /// By how much a second it rises: the smaller one of the rises between the thirds of the last half minute, so that a step is not taken for a slope. 0 when it does not.
    /// </summary>
    public double Slope
    {
        get
        {
            var third = Memory / 3;
            return _rates.AverageOf(_now - Memory, _now - (2 * third)) is { } first && _rates.AverageOf(_now - (2 * third), _now - third) is { } second && _rates.AverageOf(_now - third, _now) is { } last
                ? Math.Max(0, Math.Min(second - first, last - second)) / third.TotalSeconds
                : 0;
        }
    }
}
