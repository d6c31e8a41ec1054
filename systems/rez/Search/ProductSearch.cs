using Npgsql;
using Commons.Http;
using Rez.Listing;

namespace Rez.Search;

/// <summary>What a search appended to the reply.</summary>
internal readonly record struct SearchPage(List<long> Ids, bool More, Total Total, SearchTerms Terms, string? Corrected);

/// <summary>
/// Full-text search with bounded work. Matches are taken in order of popularity, in tiers of <see cref="Tier"/>; within a tier
/// they are ranked by text rank × the logarithm of popularity. Two ways lead to the same tiers: common terms walk the popularity
/// index until the tier is full, rare ones take all matches from the GIN index. Exact matches come first; when they are next to
/// none, words that look like the typed ones are tried, and what they find follows.
/// </summary>
internal sealed class ProductSearch
{
    /// <summary>A search shows at most this many products, and counts no further.</summary>
    public const int Most = 1000;

    private const int Tier = 60;

    /// <summary>From this many expected hits on, walking by popularity is cheaper than fetching all matches. Default 4,000.</summary>
    public int WalkFrom { get; init; } = 4000;

    /// <summary>Rows that a walk looks at before it gives way to the index. Default 8,000.</summary>
    public int LongestWalk { get; init; } = 8000;

    /// <summary>Fewer exact matches than this are "next to none".</summary>
    private const int Few = 5;

    public async Task<SearchPage> FindAsync(NpgsqlConnection connection, Reply reply, string text, int offset, int limit, CancellationToken cancel)
    {
        var terms = await SearchTerms.ReadAsync(connection, text, cancel);
        var exact = await FindAsync(connection, reply, terms, [], offset, limit, cancel);
        if (terms.Terms.Length == 0 || exact.Total is not { IsExact: true, Count: < Few } || await Spelling.CorrectAsync(connection, text, cancel) is not { } corrected)
        {
            return new SearchPage(exact.Ids, exact.More, exact.Total, terms, null);
        }

        var guess = await SearchTerms.ReadAsync(connection, corrected, cancel);
        // What the exact search found stays in front on every page, and is not shown again.
        var first = offset == 0 && !exact.More ? exact.Ids : await ExactIdsAsync(connection, terms, cancel);
        var room = limit - exact.Ids.Count;
        if (exact.Ids.Count > 0 && room > 0)
        {
            reply.Add(","u8);
        }

        var mark = reply.Length;
        var more = await FindAsync(connection, reply, guess, [.. first], Math.Max(0, offset - first.Count), room, cancel);
        if (more.Ids.Count == 0 && exact.Ids.Count > 0 && room > 0)
        {
            reply.Rewind(mark - 1);
        }

        var total = new Total(Math.Min(Most, first.Count + more.Total.Count), more.Total.IsExact);
        return new SearchPage([.. exact.Ids, .. more.Ids], exact.More || more.More, total, guess, corrected);
    }

    private async Task<List<long>> ExactIdsAsync(NpgsqlConnection connection, SearchTerms terms, CancellationToken cancel)
    {
        using var unused = new Reply();
        return (await FindAsync(connection, unused, terms, [], 0, Few, cancel)).Ids;
    }

    private async Task<(List<long> Ids, bool More, Total Total)> FindAsync(NpgsqlConnection connection, Reply reply, SearchTerms terms, long[] without, int offset, int limit, CancellationToken cancel)
    {
        if (terms.Terms.Length == 0)
        {
            return ([], false, new Total(0, true)); // stop words only
        }

        // One row more says whether there are more.
        var candidates = (offset + limit + Tier) / Tier * Tier;
        if (terms.ExpectedHits >= WalkFrom)
        {
            var mark = reply.Length;
            var (walked, _, matches) = await RunAsync(connection, reply, SearchSql.Walk(candidates, LongestWalk), terms, without, offset, limit, cancel);
            if (matches == candidates)
            {
                return (walked, offset + limit < Most, new Total(Most, false));
            }

            reply.Rewind(mark); // the terms are common, but not together, or not common enough for a page this deep
        }

        var (ids, furtherOnes, total) = await RunAsync(connection, reply, SearchSql.Fetch(candidates), terms, without, offset, limit, cancel);
        return (ids, furtherOnes && offset + limit < Most, total >= Most ? new Total(Most, false) : new Total(total, true));
    }

    private static async Task<(List<long> Ids, bool More, long Total)> RunAsync(NpgsqlConnection connection, Reply reply, string sql, SearchTerms terms, long[] without, int offset, int limit, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = terms.Query });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = without });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = offset });
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var ids = new List<long>(limit);
        long total = 0;
        while (await rows.ReadAsync(cancel))
        {
            total = rows.GetInt64(0);
            if (rows.IsDBNull(1))
            {
                break; // the row that carries the total of a page without rows
            }

            if (ids.Count == limit)
            {
                return (ids, true, total);
            }

            if (ids.Count > 0)
            {
                reply.Add(","u8);
            }

            ids.Add(rows.GetInt64(1));
            reply.Add(rows, 2);
        }

        return (ids, false, total);
    }
}
