using System.Runtime.InteropServices;

namespace Tenfold.Caching.Metrics;

/// <summary>A counter for hot paths: threads add to different cache lines. Thread-safe.</summary>
internal sealed class StripedCounter
{
    private const int Stripes = 16;

    private readonly Cell[] _cells = new Cell[Stripes];

    public long Value
    {
        get
        {
            var sum = 0L;
            for (var i = 0; i < _cells.Length; i++)
            {
                sum += Interlocked.Read(ref _cells[i].Value);
            }

            return sum;
        }
    }

    public void Add() => Interlocked.Increment(ref _cells[Environment.CurrentManagedThreadId & (Stripes - 1)].Value);

    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Cell
    {
        [FieldOffset(64)]
        public long Value;
    }
}

/// <summary>What happened under one policy since the start.</summary>
internal sealed class RegionCounters
{
    private long _redisHits;
    private long _misses;
    private long _loads;
    private long _failures;
    private long _coalesced;
    private long _stale;
    private long _overtaken;
    private long _invalidations;

    public StripedCounter MemoryHits { get; } = new();

    public void RedisHit() => Interlocked.Increment(ref _redisHits);

    public void Miss() => Interlocked.Increment(ref _misses);

    public void Load() => Interlocked.Increment(ref _loads);

    public void Failure() => Interlocked.Increment(ref _failures);

    public void Coalesced() => Interlocked.Increment(ref _coalesced);

    public void Stale() => Interlocked.Increment(ref _stale);

    public void Overtaken() => Interlocked.Increment(ref _overtaken);

    public void Invalidation() => Interlocked.Increment(ref _invalidations);

    public CacheCounts Read(string policy) => new(
        policy,
        MemoryHits.Value,
        Interlocked.Read(ref _redisHits),
        Interlocked.Read(ref _misses),
        Interlocked.Read(ref _loads),
        Interlocked.Read(ref _failures),
        Interlocked.Read(ref _coalesced),
        Interlocked.Read(ref _stale),
        Interlocked.Read(ref _overtaken),
        Interlocked.Read(ref _invalidations));
}

/// <summary>What happened under one policy since the process started.</summary>
/// <param name="Policy">The policy's name.</param>
/// <param name="MemoryHits">Reads answered from this process's memory.</param>
/// <param name="RedisHits">Reads answered from Redis.</param>
/// <param name="Misses">Reads that neither could answer.</param>
/// <param name="Loads">Loads begun, with refreshes in the background.</param>
/// <param name="LoadFailures">Loads that threw or took too long.</param>
/// <param name="Coalesced">Reads that waited for another one's load.</param>
/// <param name="Stale">Reads answered with an expired value, because the load failed or was slow.</param>
/// <param name="Overtaken">Loads whose value was thrown away, because it was invalidated while they ran.</param>
/// <param name="Invalidations">Keys invalidated by this process.</param>
public sealed record CacheCounts(
    string Policy, long MemoryHits, long RedisHits, long Misses, long Loads, long LoadFailures, long Coalesced, long Stale, long Overtaken, long Invalidations);
