using System.Numerics;

namespace Tenfold.Postgres.SlowQueries;

/// <summary>
/// How often commands took how long, in whole milliseconds: exact below 16 ms, then eight steps for each doubling, so that a
/// percentile is at most an eighth too high. Fixed size; thread-safe, without locks.
/// </summary>
internal sealed class DurationCounts
{
    private const int Exact = 16;
    private const int Steps = 8;
    private const int HighestPower = 22; // over an hour
    private readonly int[] _counts = new int[Exact + ((HighestPower - 4) * Steps)];

    public void Add(long milliseconds) => Interlocked.Increment(ref _counts[IndexOf(milliseconds)]);

    /// <summary>Moves everything to another one.</summary>
    public void MoveTo(DurationCounts other)
    {
        for (var i = 0; i < _counts.Length; i++)
        {
            if (Volatile.Read(ref _counts[i]) != 0)
            {
                Interlocked.Add(ref other._counts[i], Interlocked.Exchange(ref _counts[i], 0));
            }
        }
    }

    public long Count => _counts.Sum(count => (long)count);

    /// <summary>The shortest time that this share of the commands did not exceed; 0 for none.</summary>
    public long Percentile(double share)
    {
        var left = (long)Math.Ceiling(Count * share);
        for (var i = 0; i < _counts.Length; i++)
        {
            left -= _counts[i];
            if (left <= 0)
            {
                return _counts[i] == 0 ? 0 : HighestOf(i);
            }
        }

        return 0;
    }

    private static int IndexOf(long milliseconds)
    {
        if (milliseconds < Exact)
        {
            return (int)Math.Max(0, milliseconds);
        }

        var power = BitOperations.Log2((ulong)milliseconds);
        return power >= HighestPower ? Exact + ((HighestPower - 4) * Steps) - 1 : Exact + ((power - 4) * Steps) + (int)((milliseconds >> (power - 3)) & (Steps - 1));
    }

    private static long HighestOf(int index)
    {
        if (index < Exact)
        {
            return index;
        }

        var (power, step) = (4 + ((index - Exact) / Steps), (index - Exact) % Steps);
        return ((Steps + step + 1L) << (power - 3)) - 1;
    }
}
