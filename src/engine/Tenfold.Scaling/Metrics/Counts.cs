namespace Tenfold.Scaling.Metrics;

/// <summary>Numbers of instances.</summary>
internal static class Counts
{
    private const int Most = 1_000_000;

    // What is a hair above a whole number is that number: 0.7 x 10 / 0.7.
    private const double Hair = 1e-9;

    /// <summary>The next whole number, within what makes sense.</summary>
    public static int Ceiling(double value) => value >= Most ? Most : value > 0 ? (int)Math.Ceiling(value - Hair) : 0;
}
