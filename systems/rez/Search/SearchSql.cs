namespace Rez.Search;

/// <summary>
/// The two ways to the most popular matches, which give the same rows in the same order. Parameters: $1 tsquery, $2 ids to leave
/// out, $3 limit, $4 offset; columns: how many matches were found, id, json. The number of candidates stands in the text so that the plan knows it.
/// </summary>
internal static class SearchSql
{
    /// <summary>
    /// Down the popularity index until there are enough matches. It is whole only if it found as many matches as candidates: else
    /// its last tier lacks some and is ranked without them. The match is the function, not the operator, because the
    /// operator would let the planner fetch all matches by the GIN index and sort them.
    /// </summary>
    public static string Walk(int candidates, int longest) =>
        $"""
        SELECT count(*) OVER (), id, json FROM (
            SELECT id, json, ts_rank(search, $1::tsquery) * ln(popularity + 2) AS score, (row_number() OVER () - 1) / 60 AS tier
            FROM (SELECT id, json, search, popularity FROM products WHERE is_active ORDER BY popularity DESC, id DESC LIMIT {longest}) walked
            WHERE ts_match_vq(search, $1::tsquery) AND id <> ALL ($2)
            LIMIT {candidates}) ranked
        ORDER BY tier, score DESC, id DESC LIMIT $3 OFFSET $4
        """;

    /// <summary>All matches by the GIN index, then the most popular of them. Always a row, so that the total is known.</summary>
    public static string Fetch(int candidates) =>
        $"""
        WITH hits AS MATERIALIZED (
            SELECT id, popularity FROM products WHERE is_active AND search @@ $1::tsquery AND id <> ALL ($2)),
        best AS (
            SELECT id, popularity, (row_number() OVER (ORDER BY popularity DESC, id DESC) - 1) / 60 AS tier
            FROM (SELECT id, popularity FROM hits ORDER BY popularity DESC, id DESC LIMIT {candidates}) candidates),
        page AS (
            SELECT best.id, json FROM best JOIN products USING (id)
            ORDER BY tier, ts_rank(search, $1::tsquery) * ln(best.popularity + 2) DESC, best.id DESC LIMIT $3 OFFSET $4)
        SELECT (SELECT count(*) FROM hits), id, json FROM (SELECT 1) one LEFT JOIN page ON true
        """;
}
