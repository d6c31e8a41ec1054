namespace Tenfold.Gateway.Balancing;

/// <summary>A 64-bit hash that is the same in every process: FNV-1a, then the finaliser of SplitMix64. Not for secrets.</summary>
public static class StableHash
{
    /// <summary>Hash of these bytes.</summary>
    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in bytes)
        {
            hash = (hash ^ b) * 1099511628211UL;
        }

        return Mix(hash);
    }

    /// <summary>Spreads every bit of <paramref name="x"/> over all 64.</summary>
    public static ulong Mix(ulong x)
    {
        x += 0x9E3779B97F4A7C15UL;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EBUL;
        return x ^ (x >> 31);
    }
}
