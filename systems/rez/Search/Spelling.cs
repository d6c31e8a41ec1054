using Npgsql;

namespace Rez.Search;

/// <summary>A word of the catalogue that looks like what was typed.</summary>
internal readonly record struct Lookalike(string Word, int Documents, float Similarity);

/// <summary>
/// Guesses what a misspelt query meant: pg_trgm finds words of the catalogue that look alike, edit distance chooses among them.
/// Bounded: at most <see cref="MostWords"/> words, ten lookalikes each.
/// </summary>
internal static class Spelling
{
    private const int MostWords = 5;
    private const int ShortestWord = 3;
    private const int LongestWord = 40;

    /// <summary>Words that stand in fewer products than this may be misspelt too.</summary>
    private const int Rare = 5;

    /// <returns>The query with its unknown words replaced, or null when there is nothing to correct.</returns>
    public static async Task<string?> CorrectAsync(NpgsqlConnection connection, string text, CancellationToken cancel)
    {
        var words = Words(text);
        var typed = words.Where(word => word.Length is >= ShortestWord and <= LongestWord).Distinct(StringComparer.Ordinal).Take(MostWords).ToArray();
        if (typed.Length == 0)
        {
            return null;
        }

        var lookalikes = await LookalikesAsync(connection, typed, cancel);
        var corrected = words.Select(word => lookalikes.TryGetValue(word, out var found) ? Choose(word, found) : word).ToArray();
        return corrected.SequenceEqual(words, StringComparer.Ordinal) ? null : string.Join(' ', corrected);
    }

    /// <summary>The word itself when it is a known one, else the nearest within a third of its length, the more common one of equals.</summary>
    internal static string Choose(string word, IReadOnlyList<Lookalike> lookalikes)
    {
        // Only a word that is more common than the typed one can have been meant.
        var known = lookalikes.FirstOrDefault(candidate => candidate.Word == word).Documents;
        if (known >= Rare)
        {
            return word;
        }

        var best = (Word: word, Distance: int.MaxValue, Documents: 0);
        foreach (var candidate in lookalikes)
        {
            var distance = EditDistance.Between(word, candidate.Word);
            if (distance <= Math.Max(1, word.Length / 3) && candidate.Documents > known
                && (distance < best.Distance || (distance == best.Distance && candidate.Documents > best.Documents)))
            {
                best = (candidate.Word, distance, candidate.Documents);
            }
        }

        return best.Word;
    }

    internal static string[] Words(string text)
    {
        var words = new List<string>();
        var start = -1;
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && char.IsLetterOrDigit(text[i]))
            {
                start = start < 0 ? i : start;
            }
            else if (start >= 0)
            {
                words.Add(text[start..i].ToLowerInvariant());
                start = -1;
            }
        }

        return [.. words];
    }

    private static async Task<Dictionary<string, List<Lookalike>>> LookalikesAsync(NpgsqlConnection connection, string[] typed, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT typed, alike.word, documents, alikeness FROM unnest($1) typed CROSS JOIN LATERAL (
                SELECT word, documents, similarity(word, typed) AS alikeness FROM search_words
                WHERE word % typed ORDER BY alikeness DESC, documents DESC LIMIT 10) alike
            """,
            connection);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = typed });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var found = new Dictionary<string, List<Lookalike>>(StringComparer.Ordinal);
        while (await rows.ReadAsync(cancel))
        {
            var word = rows.GetString(0);
            if (!found.TryGetValue(word, out var list))
            {
                found[word] = list = [];
            }

            list.Add(new Lookalike(rows.GetString(1), rows.GetInt32(2), rows.GetFloat(3)));
        }

        return found;
    }
}
