namespace Rez.Search;

/// <summary>
/// The two ways to the most popular matches, which give the same rows in the same order. Parameters: $1 tsquery, $2 ids to leave
/// out, $3 limit, $4 offset, then those of filters and cursor; columns: how many matches were found, id, json, score, and popularity
/// and id of the tier's first match. The number of candidates stands in the text so that the plan knows it.
/// </summary>
/// <param name="Candidates">Matches to be ranked.</param>
/// <param name="Filter">Conditions of filters, each with an AND before it.</param>
/// <param name="FromTier">A condition that leaves out what is before a cursor's tier; empty at the start.</param>
/// <param name="Behind">A condition that leaves out what is before the cursor in its tier; empty at the start.</param>
internal sealed record SearchSql(int Candidates, string Filter = "", string FromTier = "", string Behind = "")
{
    private const string Score = "ts_rank(search, $1::tsquery) * ln(popularity + 2)";
    private const string Tier = "first_value(popularity) OVER tier AS tier_popularity, first_value(id) OVER tier AS tier_id";
    private const string Window = "WINDOW tier AS (PARTITION BY (place - 1) / 60 ORDER BY place)";

    /// <summary>
    /// Down the popularity index until there are enough matches. It is whole only if it found as many matches as candidates: else
    /// its last tier lacks some and is ranked without them. The match is the function, not the operator, because the
    /// operator would let the planner fetch all matches by the GIN index and sort them.
    /// </summary>
    /// <param name="longest">Rows that are looked at.</param>
    public string Walk(int longest) =>
        $"""
        SELECT found, id, json, score, tier_popularity, tier_id FROM (
            SELECT count(*) OVER () AS found, id, json, {Score} AS score, (place - 1) / 60 AS tier, {Tier}
            FROM (SELECT id, json, search, popularity, row_number() OVER () AS place
                FROM (SELECT * FROM products WHERE is_active {And(FromTier)} ORDER BY popularity DESC, id DESC LIMIT {longest}) walked
                WHERE ts_match_vq(search, $1::tsquery) AND id <> ALL ($2) {Filter}
                LIMIT {Candidates}) candidates {Window}) ranked
        {Where(Behind)} ORDER BY tier, score DESC, id DESC LIMIT $3 OFFSET $4
        """;

    /// <summary>All matches by the GIN index, then the most popular of them. Always a row, so that the total is known.</summary>
    public string Fetch() =>
        $"""
        WITH hits AS MATERIALIZED (
            SELECT id, popularity FROM products WHERE is_active AND search @@ $1::tsquery AND id <> ALL ($2) {Filter}),
        best AS (
            SELECT id, row_number() OVER (ORDER BY popularity DESC, id DESC) AS place
            FROM (SELECT id, popularity FROM hits {Where(FromTier)} ORDER BY popularity DESC, id DESC LIMIT {Candidates}) candidates),
        page AS (
            SELECT * FROM (SELECT id, json, {Score} AS score, (place - 1) / 60 AS tier, {Tier} FROM best JOIN products USING (id) {Window}) ranked
            {Where(Behind)} ORDER BY tier, score DESC, id DESC LIMIT $3 OFFSET $4)
        SELECT (SELECT count(*) FROM hits), id, json, score, tier_popularity, tier_id FROM (SELECT 1) one LEFT JOIN page ON true
        """;

    private static string And(string condition) => condition.Length == 0 ? "" : "AND " + condition;

    private static string Where(string condition) => condition.Length == 0 ? "" : "WHERE " + condition;
}
