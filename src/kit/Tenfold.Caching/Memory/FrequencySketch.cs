using System.Numerics;

namespace Tenfold.Caching.Memory;

/// <summary>
/// How often keys were asked for lately: a count-min sketch of 4-bit counters, all halved after a sample of ten times its
/// width. From "TinyLFU: A Highly Efficient Cache Admission Policy" (Einziger, Friedman, Manes 2017). Not thread-safe.
/// </summary>
internal sealed class FrequencySketch
{
    private const ulong HalfMask = 0x7777_7777_7777_7777UL;

    private readonly ulong[] _table; // 16 counters a word
    private readonly int _mask;
    private readonly long _sample;
    private long _added;

    /// <param name="entries">Entries that the cache is thought to hold; rounded up to a power of two, 64 to 4 million.</param>
    public FrequencySketch(long entries)
    {
        _table = new ulong[BitOperations.RoundUpToPowerOf2((ulong)Math.Clamp(entries, 64, 4L << 20))];
        _mask = _table.Length - 1;
        _sample = 10L * _table.Length;
    }

    /// <summary>From 0 to 15; never less than what was added since the last halving, up to 15.</summary>
    public int Estimate(int hash)
    {
        var spread = Spread(hash);
        var least = 15;
        for (var row = 0; row < 4; row++)
        {
            var (word, shift) = At(spread, row);
            least = Math.Min(least, (int)(_table[word] >> shift) & 15);
        }

        return least;
    }

    public void Add(int hash, int times = 1)
    {
        var spread = Spread(hash);
        for (; times > 0; times--)
        {
            var added = false;
            for (var row = 0; row < 4; row++)
            {
                var (word, shift) = At(spread, row);
                if (((_table[word] >> shift) & 15) < 15)
                {
                    _table[word] += 1UL << shift;
                    added = true;
                }
            }

            if (!added)
            {
                return;
            }

            if (++_added >= _sample)
            {
                Halve();
            }
        }
    }

    private void Halve()
    {
        for (var i = 0; i < _table.Length; i++)
        {
            _table[i] = (_table[i] >> 1) & HalfMask;
        }

        _added /= 2;
    }

    private (int Word, int Shift) At(ulong spread, int row)
    {
        var hash = (spread + ((ulong)row * 0x9E37_79B9_7F4A_7C15UL)) * 0xBF58_476D_1CE4_E5B9UL;
        return ((int)(hash >> 32) & _mask, (int)(hash >> 60) << 2);
    }

    private static ulong Spread(int hash)
    {
        var x = (uint)hash * 0x94D0_49BB_1331_11EBUL;
        return x ^ (x >> 29);
    }
}
