namespace Rez.Seed;

/// <summary>SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine and runtime, for each row on its own.</summary>
internal struct SplitMix(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The generator of one row: independent of the rows before it.</summary>
    public static SplitMix ForRow(uint table, long row) => new(((ulong)table << 48) ^ ((ulong)row * 0xD1B54A32D192ED03));

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>0 ≤ result &lt; <paramref name="below"/>.</summary>
    public int Below(int below) => (int)(((Next() >> 32) * (ulong)below) >> 32);

    /// <summary>0 ≤ result &lt; 1.</summary>
    public double Fraction() => (Next() >> 11) * (1.0 / (1UL << 53));

    public T Pick<T>(T[] from) => from[Below(from.Length)];
}
