namespace Tenfold.Scaling.Metrics;

/// <summary>Numbers of instances.</summary>
internal static class Counts
{
    private const int Most = 1_000_000;

    // What is a hair above a whole number is that number: 0.7 x 10 / 0.7.
    private const double Hair = 1e-9;

    /// <summary>As many as there are while that is within a tolerance of what is needed, else the next whole number.</summary>
    public static int Tolerant(double needed, int count, double tolerance) => count > 0 && Math.Abs((needed / count) - 1) <= tolerance + Hair ? count : Ceiling(needed);

    /// <summary>The next whole number, within what makes sense.</summary>
    public static int Ceiling(double value) => value >= Most ? Most : value > 0 ? (int)Math.Ceiling(value - Hair) : 0;
}
