using System.Runtime.InteropServices;

namespace Tenfold.Load.Scenarios;

/// <summary>
/// SplitMix64 (Steele, Lea, Flood 2014): a small generator that can be seeded anew for every iteration without allocating,
/// so that a user's values depend on the seed, the user and the iteration only, not on timing.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal struct SplitMix(ulong seed)
{
    private ulong _state = seed;

    public static SplitMix For(int seed, long user, long iteration)
    {
        var mix = new SplitMix((uint)seed);
        mix = new SplitMix(mix.Next() ^ (ulong)user);
        return new SplitMix(mix.Next() ^ (ulong)iteration);
    }

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Between both, inclusive; the bias of the multiplication is below 2^-64 of the range.</summary>
    public long Between(long from, long to) =>
        from + (long)(((UInt128)Next() * ((UInt128)(Int128)to - (UInt128)(Int128)from + 1)) >> 64);

    /// <summary>At least 0, below 1.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A version 4 UUID.</summary>
    public Guid NextUuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        BitConverter.TryWriteBytes(bytes, Next());
        BitConverter.TryWriteBytes(bytes[8..], Next());
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
