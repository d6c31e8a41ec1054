using System.Text;
using Commons.Http;
using Npgsql;

namespace Rez.Search;

/// <summary>
/// How many of the products found there are by category, merchant, price and rating. Each facet is narrowed by all filters but its own,
/// so that it says what choosing something else would find. Bounded: up to <see cref="Most"/> products are counted; where there are more,
/// the counts are of the first that were met, lower bounds, and <c>isExact</c> is false.
/// </summary>
internal static class SearchFacets
{
    /// <summary>Products that are counted.</summary>
    public const int Most = 10_000;

    private const int MostCategories = 20;
    private const int MostMerchants = 10;

    private const string Counted =
        "WITH hits AS MATERIALIZED (SELECT category_id, merchant_id, price_cents, rating_tenths FROM products WHERE is_active AND search @@ $1::tsquery FILTER LIMIT 10000)\n";

    /// <summary>By <see cref="Facet"/>: its name, and the expression that makes its values of the hits.</summary>
    private static readonly (string Name, string Sql)[] Facets =
    [
        ("categories",
            $$"""
            SELECT coalesce(string_agg('{"id":' || id || ',"slug":' || to_json(slug) || ',"name":' || to_json(name) || ',"count":' || n || '}', ',' ORDER BY n DESC, id), '')
            FROM (SELECT category_id AS id, count(*) AS n FROM hits GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {{MostCategories}}) counted JOIN categories USING (id)
            """),
        ("merchants",
            $$"""
            SELECT coalesce(string_agg('{"id":' || id || ',"name":' || to_json(name) || ',"count":' || n || '}', ',' ORDER BY n DESC, id), '')
            FROM (SELECT merchant_id AS id, count(*) AS n FROM hits GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {{MostMerchants}}) counted JOIN merchants USING (id)
            """),
        ("prices",
            """
            SELECT string_agg('{"from":' || low || coalesce(',"to":' || high, '') || ',"count":' || (SELECT count(*) FROM hits WHERE price_cents >= 100 * low AND (high IS NULL OR price_cents < 100 * high)) || '}', ',' ORDER BY low)
            FROM (VALUES (0, 25), (25, 50), (50, 100), (100, 250), (250, 500), (500, NULL)) band(low, high)
            """),
        ("ratings",
            """
            SELECT string_agg('{"from":' || low || ',"count":' || (SELECT count(*) FROM hits WHERE rating_tenths >= 10 * low) || '}', ',' ORDER BY low DESC)
            FROM (VALUES (4), (3), (2), (1)) band(low)
            """),
    ];

    /// <summary>Appends <c>"facets":{…}</c>. One round trip; facets without a filter of their own are of the same products, which are found once.</summary>
    public static async Task AddAsync(NpgsqlConnection connection, Reply reply, string query, SearchFilter filter, CancellationToken cancel)
    {
        Facet[][] groups = [.. Enum.GetValues<Facet>().GroupBy(facet => filter.Has(facet) ? facet : (Facet?)null).Select(group => group.ToArray())];
        await using var batch = connection.CreateBatch();
        foreach (var group in groups)
        {
            var command = new NpgsqlBatchCommand();
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = query });
            var narrowed = filter.Has(group[0]) ? filter.Without(group[0]) : filter;
            command.CommandText = Counted.Replace("FILTER", narrowed.Conditions(command.Parameters), StringComparison.Ordinal)
                + $"SELECT (SELECT count(*) FROM hits), {string.Join(", ", group.Select(facet => $"({Facets[(int)facet].Sql})"))}";
            batch.BatchCommands.Add(command);
        }

        reply.Add("\"facets\":{"u8);
        await using var rows = await batch.ExecuteReaderAsync(cancel);
        for (var group = 0; group < groups.Length; group++)
        {
            await rows.ReadAsync(cancel);
            for (var at = 0; at < groups[group].Length; at++)
            {
                reply.Add(group + at == 0 ? "\""u8 : ",\""u8).Add(Encoding.ASCII.GetBytes(Facets[(int)groups[group][at]].Name))
                    .Add("\":{\"isExact\":"u8).Add(rows.GetInt64(0) < Most).Add(",\"values\":["u8).Add(rows, at + 1).Add("]}"u8);
            }

            await rows.NextResultAsync(cancel);
        }

        reply.Add("}"u8);
    }
}
