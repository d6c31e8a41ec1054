using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Tenfold.RateLimiting.Arithmetic;

namespace Tenfold.RateLimiting.Memory;

/// <summary>
/// What this process knows of its callers, on its own monotonic clock in microseconds: what Redis said last and what insurance
/// has let through since. It is the deny cache, insurance's counts, and what Redis is told when it has lost its own, all in one.
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

    /// <summary>What the caller has used up as far as this process knows; <c>default</c> for a stranger.</summary>
    public GcraState Read(int limit, Caller caller)
    {
        var entry = Look(limit, caller);
        return new GcraState(entry.Arrival, entry.BlockedUntil);
    }

    /// <summary>The same for insurance, which counts every request as many as there are processes.</summary>
    public GcraState ReadInsured(int limit, Caller caller)
    {
        var entry = Look(limit, caller);
        return new GcraState(Math.Max(entry.Arrival, entry.Insured), entry.BlockedUntil);
    }

    /// <summary>
    /// What to tell Redis: what it should know, and what it cannot know yet, because insurance let it through. The latter is
    /// handed out once: tell Redis, or <see cref="PutBack"/>.
    /// </summary>
    /// <param name="limit">Its index.</param>
    /// <param name="caller">Who.</param>
    /// <param name="now">On this process' clock.</param>
    /// <param name="all">False leaves what insurance let through for a later time.</param>
    public Telling Take(int limit, Caller caller, long now, bool all)
    {
        var set = SetOf(limit, caller);
        lock (_locks[set % Stripes])
        {
            ref var entry = ref Find(set, limit, caller);
            if (Unsafe.IsNullRef(ref entry))
            {
                return default;
            }

            var backlog = Math.Max(0, entry.Arrival - now);
            var owed = Math.Min(entry.Owed, backlog); // the rest has been earned back meanwhile
            entry.Owed = all ? 0 : owed;
            return new Telling(backlog - owed, all ? owed : 0, Math.Max(0, entry.BlockedUntil - now));
        }
    }

    /// <summary>Redis has probably not heard what was taken.</summary>
    public void PutBack(int limit, Caller caller, long owed)
    {
        var set = SetOf(limit, caller);
        lock (_locks[set % Stripes])
        {
            ref var entry = ref FindOrAdd(set, limit, caller, weight: 0);
            if (!Unsafe.IsNullRef(ref entry))
            {
                (entry.Owed, entry.Arrival) = (entry.Owed + owed, entry.Arrival + owed);
            }
        }
    }

    /// <summary>Redis has said how things stood when it was asked; the later of both holds, so the order of answers does not matter.</summary>
    public void Learn(int limit, Caller caller, long asked, in GcraVerdict verdict)
    {
        var (arrival, until) = (asked + verdict.Backlog, verdict.Blocked > 0 ? asked + verdict.Blocked : 0);
        var set = SetOf(limit, caller);
        lock (_locks[set % Stripes])
        {
            ref var entry = ref FindOrAdd(set, limit, caller, Math.Max(arrival, until));
            if (!Unsafe.IsNullRef(ref entry))
            {
                entry.Arrival = Math.Max(entry.Arrival, arrival + entry.Owed);
                entry.BlockedUntil = Math.Max(entry.BlockedUntil, until);
            }
        }
    }

    /// <summary>Insurance has let something through.</summary>
    /// <param name="limit">Its index.</param>
    /// <param name="caller">Who.</param>
    /// <param name="now">On this process' clock.</param>
    /// <param name="used">What it uses up of the limit.</param>
    /// <param name="insured">What it uses up of this process' share.</param>
    public void Spend(int limit, Caller caller, long now, long used, long insured)
    {
        var set = SetOf(limit, caller);
        lock (_locks[set % Stripes])
        {
            // Always: whom nobody else counts must not be forgotten at once, however little that is.
            ref var entry = ref FindOrAdd(set, limit, caller, long.MaxValue);
            entry.Insured = Math.Max(now, Math.Max(entry.Arrival, entry.Insured)) + insured;
            entry.Arrival = Math.Max(now, entry.Arrival) + used;
            entry.Owed += used;
        }
    }

    /// <summary>Insurance has blocked a caller.</summary>
    public void Block(int limit, Caller caller, long until)
    {
        var set = SetOf(limit, caller);
        lock (_locks[set % Stripes])
        {
            ref var entry = ref FindOrAdd(set, limit, caller, until);
            if (!Unsafe.IsNullRef(ref entry))
            {
                entry.BlockedUntil = Math.Max(entry.BlockedUntil, until);
            }
        }
    }

    private Entry Look(int limit, Caller caller)
    {
        var set = SetOf(limit, caller);
        lock (_locks[set % Stripes])
        {
            ref var entry = ref Find(set, limit, caller);
            return Unsafe.IsNullRef(ref entry) ? default : entry;
        }
    }

    private ref Entry Find(int set, int limit, Caller caller)
    {
        foreach (ref var entry in _entries.AsSpan(set * Ways, Ways))
        {
            if (entry.Limit == limit + 1 && entry.Caller == caller)
            {
                return ref entry;
            }
        }

        return ref Unsafe.NullRef<Entry>();
    }

    // No entry when everybody in the set has used up more than this one.
    private ref Entry FindOrAdd(int set, int limit, Caller caller, long weight)
    {
        ref var found = ref Find(set, limit, caller);
        if (!Unsafe.IsNullRef(ref found))
        {
            return ref found;
        }

        var entries = _entries.AsSpan(set * Ways, Ways);
        ref var least = ref entries[0];
        foreach (ref var entry in entries)
        {
            if (entry.Weight < least.Weight)
            {
                least = ref entry;
            }
        }

        if (least.Weight > weight)
        {
            return ref Unsafe.NullRef<Entry>();
        }

        least = new Entry { Limit = limit + 1, Caller = caller };
        return ref least;
    }

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
        public long Arrival; // what Redis has said and what insurance has let through since
        public long Insured; // the same, but counted in this process' share
        public long BlockedUntil;
        public long Owed; // of Arrival: what Redis has not been told
        public int Limit; // plus 1; 0 is an empty place

        public readonly long Weight => Math.Max(Math.Max(Arrival, Insured), BlockedUntil);
    }
}

/// <summary>What Redis is told of a caller, in microseconds.</summary>
/// <param name="Backlog">What it should know.</param>
/// <param name="Owed">What is to be added: insurance let it through.</param>
/// <param name="Blocked">How long the caller is blocked at least.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Telling(long Backlog, long Owed, long Blocked);
