namespace Tenfold.Gateway.Balancing;

/// <summary>SplitMix64 (Steele, Lea, Flood): as a counter that is hashed it is thread-safe without a lock. Not for secrets.</summary>
public sealed class SplitMixRandom(ulong seed) : Random
{
    private ulong _state = seed;

    public override double NextDouble() => (StableHash.Mix(Interlocked.Increment(ref _state)) >> 11) * (1.0 / (1UL << 53));

    protected override double Sample() => NextDouble();

    public override int Next(int maxValue) => (int)(NextDouble() * maxValue);
}
