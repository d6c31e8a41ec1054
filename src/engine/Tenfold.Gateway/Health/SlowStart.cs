namespace Tenfold.Gateway.Health;

/// <summary>Brings a new or recovered instance up to its share: caches are cold, code is not compiled, pools are empty.</summary>
public static class SlowStart
{
    /// <summary>The share at the very start.</summary>
    public const double Least = 0.1;

    /// <summary>The part of its share that an instance gets: rises in a line from <see cref="Least"/> to 1.</summary>
    /// <param name="age">Milliseconds since it came in.</param>
    /// <param name="duration">Milliseconds until it has its full share; 0 for at once.</param>
    public static double Factor(long age, long duration) =>
        duration <= 0 || age >= duration ? 1 : Math.Max(Least, (double)Math.Max(0, age) / duration);
}
