using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Tenfold.Postgres.SlowQueries;

/// <summary>What one query has done since the last report.</summary>
/// <param name="Text">Normalised.</param>
/// <param name="Sample">As it was sent, with its parameters' numbers and not their values.</param>
/// <param name="Calls">How often it ran.</param>
/// <param name="Count">How often it took longer than the limit.</param>
/// <param name="P95Milliseconds">Of all calls; at most an eighth too high.</param>
/// <param name="TotalMilliseconds">Of those over the limit.</param>
/// <param name="Values">Parameters of the longest call, where they are kept.</param>
internal sealed record SlowQuery(string Text, string Sample, long Calls, long Count, long P95Milliseconds, long TotalMilliseconds, object[]? Values);

/// <summary>Times all commands by their text, and tells which took longer than the limit. Bounded. Thread-safe; a text that is known costs no allocation and no lock.</summary>
internal sealed class SlowQueryLog(TimeSpan limit)
{
    /// <summary>Texts that are told apart between two reports; further ones count only when they are slow, by normalised text.</summary>
    public const int MostTexts = 1000;

    /// <summary>Normalised texts of these; further ones are counted together.</summary>
    public const int MostOthers = 100;

    private const string Others = "(others)";

    private readonly ConcurrentDictionary<string, Entry> _entries = new(new TextComparer());
    private readonly ConcurrentDictionary<string, Entry> _others = new(StringComparer.Ordinal);
    private int _known;

    /// <summary>Npgsql measures whole milliseconds.</summary>
    public long LimitMilliseconds { get; } = Math.Max(1, (long)limit.TotalMilliseconds);

    /// <param name="text">As it was sent.</param>
    /// <param name="milliseconds">How long it took.</param>
    /// <param name="values">Its parameters; null where they are not kept.</param>
    public void Add(string text, long milliseconds, object[]? values = null)
    {
        if (Find(text, milliseconds) is not { } entry)
        {
            return;
        }

        entry.Durations.Add(milliseconds);
        if (milliseconds >= LimitMilliseconds)
        {
            entry.AddSlow(milliseconds, values);
        }
    }

    /// <summary>What was slow since it was last taken, the most time first.</summary>
    public IReadOnlyList<SlowQuery> Take()
    {
        var taken = new Dictionary<string, Entry>(StringComparer.Ordinal);
        foreach (var (known, isKnown) in (ReadOnlySpan<(ConcurrentDictionary<string, Entry>, bool)>)[(_entries, true), (_others, false)])
        {
            foreach (var (text, entry) in known)
            {
                if (entry.Durations.Count == 0 || !isKnown)
                {
                    Interlocked.Add(ref _known, known.TryRemove(text, out _) && isKnown ? -1 : 0); // nobody has used it since: it makes room
                }

                var normal = isKnown ? QueryText.Normalize(text) : text;
                if (!taken.TryGetValue(normal, out var sum))
                {
                    taken[normal] = sum = new Entry(entry.Sample);
                }

                entry.MoveTo(sum);
            }
        }

        return [.. taken
            .Where(query => query.Value.SlowCount > 0)
            .Select(query => new SlowQuery(
                query.Key, query.Value.Sample, query.Value.Durations.Count, query.Value.SlowCount, query.Value.Durations.Percentile(0.95), query.Value.SlowTotal, query.Value.Values))
            .OrderByDescending(query => query.TotalMilliseconds)];
    }

    private Entry? Find(string text, long milliseconds)
    {
        if (_entries.TryGetValue(text, out var entry))
        {
            return entry;
        }

        if (Volatile.Read(ref _known) < MostTexts)
        {
            entry = new Entry(text);
            if (!_entries.TryAdd(text, entry))
            {
                return _entries.GetValueOrDefault(text);
            }

            Interlocked.Increment(ref _known);
            return entry;
        }

        if (milliseconds < LimitMilliseconds)
        {
            return null;
        }

        var normal = QueryText.Normalize(text);
        return _others.TryGetValue(normal, out entry) ? entry : _others.GetOrAdd(_others.Count < MostOthers ? normal : Others, static (_, text) => new Entry(text), text);
    }

    private sealed class Entry(string sample)
    {
        private readonly Lock _lock = new();
        private long _longest;

        public string Sample { get; private set; } = sample;

        public DurationCounts Durations { get; } = new();

        public long SlowCount { get; private set; }

        public long SlowTotal { get; private set; }

        /// <summary>Parameters of the longest call.</summary>
        public object[]? Values { get; private set; }

        public void AddSlow(long milliseconds, object[]? values)
        {
            lock (_lock)
            {
                (SlowCount, SlowTotal) = (SlowCount + 1, SlowTotal + milliseconds);
                if (milliseconds > _longest)
                {
                    (_longest, Values) = (milliseconds, values);
                }
            }
        }

        public void MoveTo(Entry sum)
        {
            Durations.MoveTo(sum.Durations);
            lock (_lock)
            {
                (sum.SlowCount, sum.SlowTotal) = (sum.SlowCount + SlowCount, sum.SlowTotal + SlowTotal);
                if (_longest > sum._longest)
                {
                    (sum._longest, sum.Values, sum.Sample) = (_longest, Values, Sample); // the parameters fit this text
                }

                (SlowCount, SlowTotal, _longest, Values) = (0, 0, 0, null);
            }
        }
    }

    // A text is mostly the same object each time; hashing all of it would be most of the cost.
    private sealed class TextComparer : IEqualityComparer<string>
    {
        private const int Looked = 8;

        public bool Equals(string? x, string? y) => string.Equals(x, y, StringComparison.Ordinal);

        public int GetHashCode([DisallowNull] string text)
        {
            // Texts that differ in a literal differ at the end as a rule.
            var (hash, step) = ((uint)text.Length, Math.Max(1, text.Length / Looked));
            for (var i = text.Length - 1; i >= 0; i -= i > text.Length - Looked ? 1 : step)
            {
                hash = (hash * 31) + text[i];
            }

            return (int)hash;
        }
    }
}
