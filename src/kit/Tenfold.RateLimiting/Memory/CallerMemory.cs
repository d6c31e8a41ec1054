using System.Numerics;
using System.Runtime.InteropServices;
using Tenfold.RateLimiting.Arithmetic;

namespace Tenfold.RateLimiting.Memory;

/// <summary>
/// What this process knows of its callers, on its own monotonic clock in microseconds: what Redis said last and what insurance
/// has counted since. It is the deny cache, insurance's counts, and what Redis is told when it has lost its own, all in one.
/// Bounded: 8-way associative, and where a new caller finds its set full, the one there that has used up the least is
/// forgotten, so that a flood of addresses does not push out those that are over. Thread-safe; does not allocate.
/// </summary>
internal sealed class CallerMemory
{
    private const int Ways = 8;
    private const int Stripes = 64;

    private readonly Entry[] _entries;
    private readonly Lock[] _locks = [.. Enumerable.Range(0, Stripes).Select(_ => new Lock())];
    private readonly ulong _seed;
    private readonly int _mask;

    /// <param name="callers">How many to remember at least; rounded up to a power of two.</param>
    /// <param name="random">Seed of the hash, so that nobody can aim at a set.</param>
    public CallerMemory(int callers, Random random)
    {
        var sets = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, callers / Ways));
        (_entries, _mask, _seed) = (new Entry[sets * Ways], sets - 1, (ulong)random.NextInt64());
    }

    /// <summary>What is known; <c>default</c> for a stranger.</summary>
    public GcraState Read(int limit, Caller caller)
    {
        var set = SetOf(limit, caller);
        lock (_locks[set % Stripes])
        {
            foreach (ref readonly var entry in _entries.AsSpan(set * Ways, Ways))
            {
                if (entry.Limit == limit + 1 && entry.Caller == caller)
                {
                    return entry.Known;
                }
            }
        }

        return default;
    }

    /// <summary>Adds to what is known: the later of both in everything. So the order of answers does not matter.</summary>
    public void Merge(int limit, Caller caller, GcraState known)
    {
        var set = SetOf(limit, caller);
        lock (_locks[set % Stripes])
        {
            var entries = _entries.AsSpan(set * Ways, Ways);
            ref var place = ref entries[0];
            foreach (ref var entry in entries)
            {
                if (entry.Limit == limit + 1 && entry.Caller == caller)
                {
                    entry.Known = new GcraState(Math.Max(entry.Known.Arrival, known.Arrival), Math.Max(entry.Known.BlockedUntil, known.BlockedUntil));
                    return;
                }

                if (Weight(entry.Known) < Weight(place.Known))
                {
                    place = ref entry;
                }
            }

            if (Weight(place.Known) <= Weight(known))
            {
                place = new Entry { Limit = limit + 1, Caller = caller, Known = known };
            }
        }
    }

    private static long Weight(in GcraState known) => Math.Max(known.Arrival, known.BlockedUntil);

    private int SetOf(int limit, Caller caller)
    {
        var id = caller.Id;
        // Two rounds of multiply and fold (wyhash's mixer), keyed.
        var mixed = Fold((ulong)id ^ _seed, (ulong)(id >> 64) ^ 0x9E3779B97F4A7C15 ^ (ulong)limit);
        return (int)Fold(mixed ^ 0xD6E8FEB86659FD93, _seed | 1) & _mask;
    }

    private static ulong Fold(ulong a, ulong b)
    {
        var high = Math.BigMul(a, b, out var low);
        return high ^ low;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Entry
    {
        public Caller Caller;
        public GcraState Known;
        public int Limit; // plus 1; 0 is an empty place
    }
}
