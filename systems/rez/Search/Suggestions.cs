using Commons.Data;
using Npgsql;

namespace Rez.Search;

/// <summary>What may be meant: a category, brand or store, or a text to search for.</summary>
internal sealed record Suggestion(string Kind, string Text, int Products);

/// <summary>
/// Continues what somebody types, the most frequent first: names that begin so, then the last word's continuations, then (typos) what
/// looks alike. Each is a range of an index of bounded length.
/// </summary>
internal static class Suggestions
{
    /// <summary>Most that are shown.</summary>
    public const int Most = 10;

    /// <summary>Longest text that is continued; what is longer is searched for.</summary>
    public const int LongestText = 60;

    private const int ShortestTypo = 3;
    private const string Columns = "SELECT kind, text, documents FROM search_suggestions";

    public static async Task<List<Suggestion>> FindAsync(NpgsqlConnection connection, string typed, int limit, CancellationToken cancel)
    {
        var text = typed.TrimStart().ToLowerInvariant();
        var found = await ListAsync(Begins(text, words: false, limit), cancel);
        if (found.Count < limit && text.LastIndexOf(' ') is var space && (space >= 0 ? text[(space + 1)..] : "") is { Length: > 0 } last)
        {
            // "wireless head": the words before stay as they are.
            Add(await ListAsync(Begins(last, words: true, limit), cancel), text[..(space + 1)]);
        }

        if (found.Count < limit && text.Trim().Length >= ShortestTypo)
        {
            Add(
                await ListAsync(
                    Sql.Command(connection, $"{Columns} WHERE key % $1 ORDER BY similarity(key, $1) DESC, documents DESC, key LIMIT $2", text.Trim(), limit),
                    cancel),
                "");
        }

        return found;

        void Add(List<Suggestion> more, string before)
        {
            foreach (var suggestion in more.Select(suggestion => suggestion with { Text = before + suggestion.Text }))
            {
                if (found.Count < limit && !found.Exists(known => known.Text.Equals(suggestion.Text, StringComparison.OrdinalIgnoreCase)))
                {
                    found.Add(suggestion);
                }
            }
        }

        NpgsqlCommand Begins(string prefix, bool words, int most)
        {
            var kind = words ? " AND kind = 'word'" : "";
            return prefix.Length switch
            {
                1 or 2 => Sql.Command(connection, $"{Columns} WHERE left(key, {prefix.Length}) = $1{kind} ORDER BY documents DESC, key, kind LIMIT $2", prefix, most),
                _ => Sql.Command(connection, $"{Columns} WHERE key LIKE $1{kind} ORDER BY documents DESC, key, kind LIMIT $2", Escape(prefix) + "%", most),
            };
        }
    }

    /// <summary>What is typed is text, not a pattern.</summary>
    private static string Escape(string text) =>
        text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal);

    private static async Task<List<Suggestion>> ListAsync(NpgsqlCommand command, CancellationToken cancel)
    {
        var rows = await Sql.ListAsync(command, row => new Suggestion(row.GetString(0), row.GetString(1), row.GetInt32(2)), cancel);
        return [.. rows.DistinctBy(suggestion => suggestion.Text, StringComparer.OrdinalIgnoreCase)];
    }
}
