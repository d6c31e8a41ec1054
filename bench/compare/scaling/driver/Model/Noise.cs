namespace ScalingDriver.Model;

/// <summary>Randomness that is the same in each run and does not depend on the order of calls: a hash of what it is for.</summary>
public static class Noise
{
    // Streams of another seed are as far away.
    private const long Apart = 7919;

    /// <summary>A stream of a seed.</summary>
    public static long Stream(long stream, int seed) => stream + (Apart * seed);

    /// <summary>Standard normal, of a stream and a place in it.</summary>
    public static double Normal(long stream, long place)
    {
        var first = Uniform((stream << 34) ^ (place << 1));
        var second = Uniform((stream << 34) ^ (place << 1) ^ 1);
        return Math.Sqrt(-2 * Math.Log(first)) * Math.Cos(2 * Math.PI * second); // Box-Muller
    }

    // SplitMix64; in (0, 1].
    private static double Uniform(long seed)
    {
        var x = unchecked((ulong)seed + 0x9E3779B97F4A7C15UL);
        x = unchecked((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL);
        x = unchecked((x ^ (x >> 27)) * 0x94D049BB133111EBUL);
        x ^= x >> 31;
        return ((x >> 11) + 1) / (double)(1UL << 53);
    }
}
