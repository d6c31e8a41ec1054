using System.Runtime.InteropServices;
using Tenfold.Wire.Latency;

namespace Tenfold.Load.Results;

/// <summary>What was measured in one slot of a test's time, of the requests that were due in it.</summary>
/// <param name="At">Beginning of the slot, since that of the test.</param>
/// <param name="Count">Requests, well or not.</param>
/// <param name="Errors">Those that failed.</param>
/// <param name="P50">Half of the latencies are no longer; null without any.</param>
/// <param name="P95">95 of 100 are no longer, at most 1% too large.</param>
/// <param name="P99">99 of 100.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct TimelinePoint(TimeSpan At, long Count, long Errors, TimeSpan? P50, TimeSpan? P95, TimeSpan? P99);

/// <summary>A test second by second. At most 900 slots: a longer test has them wider, by powers of two.</summary>
/// <remarks>One writer; to be read when it is done.</remarks>
public sealed class Timeline
{
    private const int Most = 900;

    private static readonly LogLinearScale Scale = new(7); // 1/128 < 1%

    private readonly List<Slot?> _slots = [];

    /// <summary>Width of a slot.</summary>
    public TimeSpan Step { get; private set; } = TimeSpan.FromSeconds(1);

    /// <summary>The slots that had requests, in their order.</summary>
    public IEnumerable<TimelinePoint> Points => _slots.Select((slot, i) => slot?.Point(i * Step)).OfType<TimelinePoint>();

    /// <summary>How long a rate must be held to count.</summary>
    public static TimeSpan Sustained { get; } = TimeSpan.FromSeconds(30);

    /// <summary>The highest rate of requests that were answered well, a second, over <see cref="Sustained"/>; over all of a shorter test.</summary>
    public double BestRate()
    {
        var width = Math.Max(1, (int)(Sustained / Step));
        long sum = 0, best = 0;
        for (var i = 0; i < _slots.Count; i++)
        {
            sum += _slots[i]?.Well ?? 0;
            sum -= i >= width ? _slots[i - width]?.Well ?? 0 : 0;
            best = Math.Max(best, sum);
        }

        return best / (Math.Max(1, Math.Min(width, _slots.Count)) * Step.TotalSeconds);
    }

    /// <summary>Adds a request that was due at a time since the beginning.</summary>
    /// <param name="due">Before the beginning counts as the beginning.</param>
    /// <param name="nanoseconds">Its latency; null when it has none.</param>
    /// <param name="failed">Whether it failed.</param>
    public void Record(TimeSpan due, long? nanoseconds, bool failed) => At(due).Record(nanoseconds, failed);

    /// <summary>Adds everything of another one.</summary>
    public void Merge(Timeline other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (var i = 0; i < other._slots.Count; i++)
        {
            if (other._slots[i] is { } slot)
            {
                At(i * other.Step).Merge(slot);
            }
        }
    }

    private Slot At(TimeSpan due)
    {
        var at = Math.Max(0, due.Ticks);
        while (at / Step.Ticks >= Most)
        {
            Widen();
        }

        var index = (int)(at / Step.Ticks);
        while (_slots.Count <= index)
        {
            _slots.Add(null);
        }

        return _slots[index] ??= new Slot();
    }

    private void Widen()
    {
        for (var i = 0; i < _slots.Count; i++)
        {
            var (from, to) = (_slots[i], i / 2);
            _slots[i] = null;
            if (from is not null && _slots[to] is { } half)
            {
                half.Merge(from);
            }
            else if (from is not null)
            {
                _slots[to] = from;
            }
        }

        _slots.RemoveRange((_slots.Count + 1) / 2, _slots.Count / 2);
        Step *= 2;
    }

    private sealed class Slot
    {
        private long[] _counts = []; // as long as its slowest request needs
        private long _samples;
        private long _requests;
        private long _errors;

        public long Well => _requests - _errors;

        public void Record(long? nanoseconds, bool failed)
        {
            _requests++;
            _errors += failed ? 1 : 0;
            if (nanoseconds is { } latency)
            {
                Room(Scale.IndexOf(Math.Clamp(latency, 0, LogLinearScale.MaxNanoseconds)))++;
                _samples++;
            }
        }

        public void Merge(Slot other)
        {
            (_requests, _errors, _samples) = (_requests + other._requests, _errors + other._errors, _samples + other._samples);
            for (var i = 0; i < other._counts.Length; i++)
            {
                if (other._counts[i] > 0)
                {
                    Room(i) += other._counts[i];
                }
            }
        }

        public TimelinePoint Point(TimeSpan at) => new(at, _requests, _errors, Percentile(50), Percentile(95), Percentile(99));

        private ref long Room(int bucket)
        {
            if (bucket >= _counts.Length)
            {
                Array.Resize(ref _counts, Math.Min(Scale.Length, bucket + 128));
            }

            return ref _counts[bucket];
        }

        private TimeSpan? Percentile(double percentile) => _samples == 0 ? null
            : new TimeSpan(Scale.HighestOf(LogLinearScale.BucketOfRank(_counts, LogLinearScale.RankOf(percentile, _samples))) / TimeSpan.NanosecondsPerTick);
    }
}
