namespace Tenfold.Wire.Latency;

/// <summary>Adds up many histograms in the memory of one. Not thread-safe; what it adds may be recorded to meanwhile.</summary>
public sealed class LatencySum
{
    private readonly long[] _counts = new long[ConcurrentLatencyHistogram.Scale.Length];
    private long _microseconds;

    /// <summary>Adds what is recorded so far.</summary>
    public void Add(ConcurrentLatencyHistogram histogram)
    {
        ArgumentNullException.ThrowIfNull(histogram);
        _microseconds += histogram.AddTo(_counts);
    }

    /// <summary>Adds what was recorded.</summary>
    public void Add(LatencySnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        _microseconds += snapshot.AddTo(_counts);
    }

    /// <summary>All together.</summary>
    public LatencySnapshot ToSnapshot()
    {
        long count = 0;
        foreach (var n in _counts)
        {
            count += n;
        }

        return new LatencySnapshot([.. _counts], count, _microseconds);
    }
}
