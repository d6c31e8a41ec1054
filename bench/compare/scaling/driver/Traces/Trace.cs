using ScalingDriver.Model;

namespace ScalingDriver.Traces;

/// <summary>A load over time.</summary>
/// <param name="Name">What it is asked for by.</param>
/// <param name="What">What it is, for people.</param>
/// <param name="Seconds">How long it is.</param>
/// <param name="Rate">Expected requests a second, by the second.</param>
public sealed record Trace(string Name, string What, int Seconds, Func<int, double> Rate)
{
    /// <summary>Seconds at the rate of second 0 that are played before it and not measured: policies get to know the service.</summary>
    public const int WarmUp = 600;

    /// <summary>Second from which it is measured.</summary>
    public int MeasuredFrom { get; init; }

    /// <summary>After how many seconds it repeats itself; null: it does not.</summary>
    public int? Season { get; init; }

    /// <summary>Other numbers make other scatter.</summary>
    public int Seed { get; init; }

    /// <summary>The wall clock at second 0.</summary>
    public DateTimeOffset Begins { get; init; } = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);

    // Of its own for each trace, and the same in each run (a string's hash is not).
    private long Stream { get; } = Name.Aggregate(0L, (sum, letter) => ((sum * 31) + letter) & 0xFFFFFF);

    /// <summary>The requests of a second: the expected rate with the scatter of a Poisson process, the same in each run.</summary>
    public double Arriving(int second)
    {
        var rate = Rate(Math.Max(0, second));
        return Math.Max(0, Math.Round(rate + (Math.Sqrt(rate) * Noise.Normal(Noise.Stream(Stream, Seed), second))));
    }
}
