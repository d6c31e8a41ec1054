using System.Runtime.InteropServices;

namespace ScalingDriver.Model;

/// <summary>Latencies of many requests: a mixture of exponential distributions, each after a fixed time. Not safe for concurrent use.</summary>
public sealed class Latencies
{
    private readonly List<Part> _parts = [];
    private double _count;
    private double _sum;

    /// <summary>Mean in seconds; null when there was no request.</summary>
    public double? Average => _count > 0 ? _sum / _count : null;

    /// <summary>So many requests that take <paramref name="shift"/> and then an exponential time of that mean, in seconds.</summary>
    public void Add(double count, double shift, double mean)
    {
        if (count <= 0)
        {
            return;
        }

        _count += count;
        _sum += count * (shift + mean);
        // Instances that are alike come one after the other.
        if (_parts.Count > 0 && _parts[^1] is var last && last.Shift.Equals(shift) && last.Mean.Equals(mean))
        {
            _parts[^1] = last with { Count = last.Count + count };
        }
        else
        {
            _parts.Add(new Part(count, shift, mean));
        }
    }

    /// <summary>Adds all of another.</summary>
    public void Add(Latencies other)
    {
        ArgumentNullException.ThrowIfNull(other);
        foreach (var part in other._parts)
        {
            Add(part.Count, part.Shift, part.Mean);
        }
    }

    public void Clear()
    {
        _parts.Clear();
        _count = _sum = 0;
    }

    /// <summary>Share of the requests that take longer, in seconds.</summary>
    public double ShareBeyond(double time)
    {
        var beyond = 0.0;
        foreach (var part in _parts)
        {
            beyond += part.Count * (time <= part.Shift ? 1 : Math.Exp(-(time - part.Shift) / part.Mean));
        }

        return _count > 0 ? beyond / _count : 0;
    }

    /// <summary>The time that this share of the requests keeps (0.95: p95), in seconds; null when there was no request.</summary>
    public double? Percentile(double share)
    {
        if (_count <= 0)
        {
            return null;
        }

        double low = 0, high = 0;
        foreach (var part in _parts)
        {
            high = Math.Max(high, part.Shift - (part.Mean * Math.Log(1 - share)));
        }

        for (var i = 0; i < 30; i++)
        {
            var middle = (low + high) / 2;
            (low, high) = ShareBeyond(middle) > 1 - share ? (middle, high) : (low, middle);
        }

        return high;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Part(double Count, double Shift, double Mean);
}
