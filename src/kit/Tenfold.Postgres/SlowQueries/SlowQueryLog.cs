namespace Tenfold.Postgres.SlowQueries;

/// <summary>What one query has done since the last report.</summary>
/// <param name="Text">Normalised.</param>
/// <param name="Sample">As it was sent, with its parameters' numbers and not their values.</param>
/// <param name="Count">How often it took longer than the limit.</param>
/// <param name="P95Milliseconds">Of these.</param>
/// <param name="TotalMilliseconds">Of these.</param>
internal sealed record SlowQuery(string Text, string Sample, long Count, long P95Milliseconds, long TotalMilliseconds);

/// <summary>Collects the commands that took longer than the limit, by normalised text. Bounded. Thread-safe.</summary>
internal sealed class SlowQueryLog(TimeSpan limit)
{
    /// <summary>Texts a report; further ones are counted together.</summary>
    public const int MostTexts = 100;

    private const int MostDurations = 1000;
    private const string Others = "(others)";

    private readonly Lock _lock = new();
    private Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Npgsql measures whole milliseconds.</summary>
    public long LimitMilliseconds { get; } = Math.Max(1, (long)limit.TotalMilliseconds);

    public void Add(string text, long milliseconds)
    {
        var normal = QueryText.Normalize(text);
        lock (_lock)
        {
            if (!_entries.TryGetValue(normal, out var entry))
            {
                var name = _entries.Count < MostTexts ? normal : Others;
                if (!_entries.TryGetValue(name, out entry))
                {
                    _entries[name] = entry = new Entry(text);
                }
            }

            entry.Count++;
            entry.Total += milliseconds;
            if (entry.Durations.Count < MostDurations)
            {
                entry.Durations.Add(milliseconds);
            }
        }
    }

    /// <summary>What there was since it was last taken, the most time first.</summary>
    public IReadOnlyList<SlowQuery> Take()
    {
        Dictionary<string, Entry> taken;
        lock (_lock)
        {
            (taken, _entries) = (_entries, new(StringComparer.Ordinal));
        }

        return [.. taken
            .Select(pair => new SlowQuery(pair.Key, pair.Value.Sample, pair.Value.Count, P95(pair.Value.Durations), pair.Value.Total))
            .OrderByDescending(query => query.TotalMilliseconds)];
    }

    private static long P95(List<long> durations)
    {
        durations.Sort();
        return durations[(int)Math.Ceiling(durations.Count * 0.95) - 1];
    }

    private sealed class Entry(string sample)
    {
        public string Sample => sample;

        public long Count { get; set; }

        public long Total { get; set; }

        public List<long> Durations { get; } = [];
    }
}
