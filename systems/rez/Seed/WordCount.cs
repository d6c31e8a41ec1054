namespace Rez.Seed;

/// <summary>In how many products each word stands. Not thread-safe: one a worker, merged at the end.</summary>
internal sealed class WordCount
{
    private readonly Dictionary<string, int> _products = new(StringComparer.Ordinal);
    private readonly HashSet<string> _inThis = new(StringComparer.Ordinal);
    private readonly char[] _lower = new char[64];

    public IEnumerable<KeyValuePair<string, int>> Words => _products;

    public void Add(params ReadOnlySpan<string> texts)
    {
        _inThis.Clear();
        foreach (var text in texts)
        {
            var start = -1;
            for (var i = 0; i <= text.Length; i++)
            {
                if (i < text.Length && char.IsAsciiLetterOrDigit(text[i]))
                {
                    start = start < 0 ? i : start;
                }
                else if (start >= 0)
                {
                    Word(text.AsSpan(start, i - start));
                    start = -1;
                }
            }
        }
    }

    public void Merge(WordCount other)
    {
        foreach (var (word, count) in other._products)
        {
            _products[word] = _products.GetValueOrDefault(word) + count;
        }
    }

    private void Word(ReadOnlySpan<char> text)
    {
        if (text.Length is < 2 or > 40)
        {
            return;
        }

        var lower = _lower.AsSpan(0, text.ToLowerInvariant(_lower));
        var seen = _inThis.GetAlternateLookup<ReadOnlySpan<char>>();
        if (!seen.Add(lower))
        {
            return;
        }

        var counts = _products.GetAlternateLookup<ReadOnlySpan<char>>();
        counts.TryGetValue(lower, out var count);
        counts[lower] = count + 1;
    }
}
