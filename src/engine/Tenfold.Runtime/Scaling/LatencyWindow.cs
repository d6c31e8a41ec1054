using System.Runtime.InteropServices;
using Tenfold.Wire.Latency;

namespace Tenfold.Runtime.Scaling;

/// <summary>
/// Latencies of the last answers: at least 100 of them, so that a 99th percentile is one, or of the last 30 s where there are fewer. Keeps as many snapshots
/// (40 KB each) as there were looks with new answers in that time: one or two under load, none more while nothing is answered. Not thread-safe.
/// </summary>
internal sealed class LatencyWindow(TimeProvider time)
{
    /// <summary>Answers that are enough.</summary>
    public const int Enough = 100;

    /// <summary>Answers are no older, unless there was no look for as long.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private readonly List<Look> _looks = []; // oldest first

    /// <summary>Adds what the histogram holds now.</summary>
    /// <returns>What was answered lately; null: nothing, or this is the first look.</returns>
    public LatencySnapshot? Add(LatencySnapshot now)
    {
        var at = time.GetTimestamp();
        while (_looks.Count > 1 && (now.Count - _looks[1].Snapshot.Count >= Enough || time.GetElapsedTime(_looks[0].At, at) > Longest))
        {
            _looks.RemoveAt(0);
        }

        var lately = _looks.Count > 0 && now.Count > _looks[0].Snapshot.Count ? now.Since(_looks[0].Snapshot) : null;
        // A look that saw nothing new is the one before, at a later time.
        if (_looks.Count > 0 && _looks[^1].Snapshot.Count == now.Count)
        {
            _looks.RemoveAt(_looks.Count - 1);
        }

        _looks.Add(new Look(now, at));
        return lately;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Look(LatencySnapshot Snapshot, long At);
}
