namespace Tenfold.Guide.Validation;

/// <summary>Near misses: what a misspelt name was probably meant to be.</summary>
public static class Suggestion
{
    private const int Listed = 20;

    /// <summary>Ends a message: <c>; did you mean 'x'? Allowed: x, y</c>, or <c>; allowed: x, y</c> when nothing is near.</summary>
    public static string Among(string found, IReadOnlyCollection<string> candidates, string allowed = "allowed")
    {
        var names = candidates.Count == 0 ? "none" : string.Join(", ", candidates.Take(Listed));
        var more = candidates.Count > Listed ? $" and {candidates.Count - Listed} more" : "";
        return Nearest(found, candidates) is { } nearest
            ? $"; did you mean '{nearest}'? {char.ToUpperInvariant(allowed[0])}{allowed[1..]}: {names}{more}"
            : $"; {allowed}: {names}{more}";
    }

    /// <summary>The nearest candidate at most two edits away (one for names of up to four letters); case is no edit.</summary>
    public static string? Nearest(string found, IEnumerable<string> candidates)
    {
        if (found.Length is 0 or > 60)
        {
            return null;
        }

        var limit = found.Length <= 4 ? 1 : 2;
        return candidates
            .Where(c => Math.Abs(c.Length - found.Length) <= limit)
            .Select(c => (Name: c, Distance: Distance(found.ToUpperInvariant(), c.ToUpperInvariant())))
            .Where(c => c.Distance <= limit)
            .OrderBy(c => c.Distance)
            .Select(c => c.Name)
            .FirstOrDefault();
    }

    /// <summary>Edits between two words: insertions, deletions, substitutions, swaps of neighbours (optimal string alignment).</summary>
    public static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            rows[i, 0] = i;
        }

        for (var j = 0; j <= b.Length; j++)
        {
            rows[0, j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                rows[i, j] = Math.Min(Math.Min(rows[i - 1, j] + 1, rows[i, j - 1] + 1), rows[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[a.Length, b.Length];
    }
}
