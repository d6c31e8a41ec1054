using NpgsqlTypes;
using Rez.Listing;

namespace Rez.Products;

/// <summary>The orders that products can be listed in; each has its indexes in <c>003-indexes.sql</c>.</summary>
internal static class ProductSorts
{
    private static readonly SortKey Id = new("id", NpgsqlDbType.Bigint);

    public static readonly SortOrder Newest = new("newest", true, Id, new SortKey("created_at", NpgsqlDbType.TimestampTz));
    public static readonly SortOrder Popular = new("popular", true, Id, new SortKey("popularity", NpgsqlDbType.Integer));
    private static readonly SortOrder Rating = new("rating", true, Id, new SortKey("rating_tenths", NpgsqlDbType.Smallint), new SortKey("review_count", NpgsqlDbType.Integer));
    private static readonly SortOrder Cheapest = new("price-asc", false, Id, new SortKey("price_cents", NpgsqlDbType.Integer));
    private static readonly SortOrder Dearest = new("price-desc", true, Id, new SortKey("price_cents", NpgsqlDbType.Integer));

    public static IReadOnlyDictionary<string, SortOrder> ByName { get; } =
        new[] { Newest, Popular, Rating, Cheapest, Dearest }.ToDictionary(sort => sort.Name, StringComparer.Ordinal);
}
