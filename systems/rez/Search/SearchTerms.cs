using Npgsql;

namespace Rez.Search;

/// <summary>A lexeme of the query and in about how many products it stands.</summary>
internal readonly record struct Term(string Lexeme, long Documents);

/// <summary>What was asked for, as PostgreSQL's English dictionary reads it. All terms must be found.</summary>
internal sealed record SearchTerms(string Text, Term[] Terms, long Products)
{
    /// <summary>The tsquery, <c>'wireless' &amp; 'headphon'</c>.</summary>
    public string Query { get; } = string.Join(" & ", Terms.Select(term => Quote(term.Lexeme)));

    /// <summary>In how many products all terms stand together, if each stood there by chance.</summary>
    public double ExpectedHits { get; } = Terms.Aggregate((double)Products, (hits, term) => hits * Math.Min(1, term.Documents / (double)Math.Max(1, Products)));

    public static async Task<SearchTerms> ReadAsync(NpgsqlConnection connection, string text, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT lexeme, coalesce(sum(documents), 0), (SELECT product_count FROM catalogue)
            FROM unnest(to_tsvector('english', $1)) LEFT JOIN search_words USING (lexeme) GROUP BY lexeme
            """,
            connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = text });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var terms = new List<Term>();
        var products = 0;
        while (await rows.ReadAsync(cancel))
        {
            terms.Add(new Term(rows.GetString(0), rows.GetInt64(1)));
            products = rows.GetInt32(2);
        }

        return new SearchTerms(text, [.. terms], products);
    }

    private static string Quote(string lexeme) =>
        "'" + lexeme.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal) + "'";
}
