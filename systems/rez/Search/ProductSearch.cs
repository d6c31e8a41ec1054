using Npgsql;
using Commons.Http;
using Rez.Listing;

namespace Rez.Search;

/// <summary>What a search appended to the reply.</summary>
/// <param name="Ids">The products.</param>
/// <param name="Next">Where it goes on; null at the end.</param>
/// <param name="Total">How many were found, by number of page only as exact as it says.</param>
/// <param name="Query">The tsquery of what was found: of the typed words, or of these and what they may have meant.</param>
/// <param name="Guess">The tsquery that found the last of it.</param>
/// <param name="Corrected">What the text may have meant, where that was searched for, too.</param>
internal sealed record SearchPage(List<long> Ids, SearchCursor? Next, Total Total, string Query, string Guess, string? Corrected)
{
    public bool More => Next is not null;
}

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

    public async Task<SearchPage> FindAsync(NpgsqlConnection connection, Reply reply, SearchRequest request, CancellationToken cancel)
    {
        var terms = await SearchTerms.ReadAsync(connection, request.Text, cancel);
        var isInGuess = request.After is { IsGuess: true };
        var exact = isInGuess ? Found.Nothing : await FindAsync(connection, reply, terms, [], request, request.Offset, request.Limit, request.After?.Place, cancel);
        if (terms.Terms.Length == 0 || (!isInGuess && exact.Total is not { IsExact: true, Count: < Few })
            || await Spelling.CorrectAsync(connection, request.Text, cancel) is not { } corrected
            || await SearchTerms.ReadAsync(connection, corrected, cancel) is not { Terms.Length: > 0 } guess)
        {
            return new SearchPage(exact.Ids, Next(request, exact.More, exact, isGuess: false, exact.Ids.Count), exact.Total, terms.Query, terms.Query, null);
        }

        // What the exact search found stays in front on every page, and is not shown again.
        var first = request is { Offset: 0, After: null } && !exact.More ? exact.Ids : await ExactIdsAsync(connection, terms, request.Filter, cancel);
        var room = exact.More ? 0 : request.Limit - exact.Ids.Count;
        if (exact.Ids.Count > 0 && room > 0)
        {
            reply.Add(","u8);
        }

        var mark = reply.Length;
        var more = await FindAsync(connection, reply, guess, [.. first], request, request.After is null ? Math.Max(0, request.Offset - first.Count) : 0, room, isInGuess ? request.After!.Value.Place : null, cancel);
        if (more.Ids.Count == 0 && exact.Ids.Count > 0 && room > 0)
        {
            reply.Rewind(mark - 1);
        }

        var total = new Total(Math.Min(Most, first.Count + more.Total.Count), more.Total.IsExact);
        var isGuess = isInGuess || more.Ids.Count > 0;
        var next = Next(request, exact.More || more.More, isGuess ? more : exact, isGuess, exact.Ids.Count + more.Ids.Count);
        return new SearchPage([.. exact.Ids, .. more.Ids], next, total, $"({terms.Query}) | ({guess.Query})", guess.Query, corrected);
    }

    private async Task<List<long>> ExactIdsAsync(NpgsqlConnection connection, SearchTerms terms, SearchFilter filter, CancellationToken cancel)
    {
        using var unused = new Reply();
        return (await FindAsync(connection, unused, terms, [], new SearchRequest(terms.Text, Few) { Filter = filter }, 0, Few, null, cancel)).Ids;
    }

    private async Task<Found> FindAsync(
        NpgsqlConnection connection, Reply reply, SearchTerms terms, long[] without, SearchRequest request, int offset, int limit, SearchPlace? after, CancellationToken cancel)
    {
        if (terms.Terms.Length == 0)
        {
            return Found.Nothing; // stop words only
        }

        // One row more says whether there are more; behind a cursor, up to a tier of rows was shown before.
        var candidates = (offset + limit + (after is null ? Tier : 2 * Tier)) / Tier * Tier;
        if (terms.ExpectedHits >= WalkFrom)
        {
            var mark = reply.Length;
            var walked = await RunAsync(connection, reply, sql => sql.Walk(LongestWalk), terms, without, request.Filter, candidates, offset, limit, after, cancel);
            if (walked.Total.Count == candidates)
            {
                return walked with { More = true, Total = new Total(Most, false) };
            }

            reply.Rewind(mark); // the terms are common, but not together, not with these filters, or not common enough for a page this deep
        }

        var fetched = await RunAsync(connection, reply, sql => sql.Fetch(), terms, without, request.Filter, candidates, offset, limit, after, cancel);
        return fetched with { Total = fetched.Total.Count >= Most ? new Total(Most, false) : fetched.Total };
    }

    private static SearchCursor? Next(SearchRequest request, bool more, Found last, bool isGuess, int shown) =>
        !more || request.Before + shown >= Most ? null
        : last.Last is { } place ? new SearchCursor(request.Hash(), isGuess, request.Before + shown, place)
        : request.After;

    private static async Task<Found> RunAsync(
        NpgsqlConnection connection, Reply reply, Func<SearchSql, string> way, SearchTerms terms, long[] without, SearchFilter filter, int candidates, int offset, int limit, SearchPlace? after, CancellationToken cancel)
    {
        await using var command = connection.CreateCommand();
        Add(terms.Query);
        Add(without);
        Add(limit + 1);
        Add(offset);
        var sql = new SearchSql(candidates, filter.Conditions(command.Parameters));
        if (after is { } place)
        {
            sql = sql with
            {
                FromTier = $"(popularity, id) <= ({Add(place.TierPopularity)}, {Add(place.TierId)})",
                Behind = $"(tier > 0 OR (score, id) < ({Add(place.Score)}, {Add(place.Id)}))",
            };
        }

        command.CommandText = way(sql);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var found = new Found([], false, new Total(0, true), null);
        while (await rows.ReadAsync(cancel))
        {
            found = found with { Total = new Total(rows.GetInt64(0), true) };
            if (rows.IsDBNull(1))
            {
                break; // the row that carries the total of a page without rows
            }

            if (found.Ids.Count == limit)
            {
                return found with { More = true };
            }

            if (found.Ids.Count > 0)
            {
                reply.Add(","u8);
            }

            var id = rows.GetInt64(1);
            found.Ids.Add(id);
            reply.Add(rows, 2);
            found = found with { Last = new SearchPlace(rows.GetInt32(4), rows.GetInt64(5), rows.GetDouble(3), id) };
        }

        return found;

        string Add<T>(T value)
        {
            command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
            return $"${command.Parameters.Count}";
        }
    }

    /// <summary>Of one set of terms.</summary>
    private sealed record Found(List<long> Ids, bool More, Total Total, SearchPlace? Last)
    {
        public static Found Nothing => new([], false, new Total(0, true), null);
    }
}
