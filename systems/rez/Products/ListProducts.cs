using Rez.Categories;
using Commons.Http;
using Rez.Listing;
using Tenfold.AspNetCore;
using Tenfold.Postgres;

namespace Rez.Products;

/// <summary><c>GET /api/products</c>: filters, sorts, pages by number or by cursor. One query to PostgreSQL (a category filter: two).</summary>
internal sealed class ListProducts(PostgresStore database, CategoryLookup categories)
{
    public const int HighestPrice = 1_000_000;

    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var sort = parameters.Choice("sort", ProductSorts.Newest, ProductSorts.ByName);
        var slug = parameters.Text("category", 120);
        var lowest = parameters.OptionalDecimal("minPrice", 2, 0, HighestPrice);
        var highest = parameters.OptionalDecimal("maxPrice", 2, 0, HighestPrice);
        var rating = parameters.OptionalDecimal("rating", 1, 0, 5);
        var merchant = parameters.OptionalNumber("merchant", 1, int.MaxValue);
        var store = parameters.OptionalNumber("store", 1, int.MaxValue);
        if (lowest > highest)
        {
            parameters.Wrong("minPrice", "is above maxPrice");
        }

        var query = new ListQuery("products", sort).Where("is_active");
        if (slug is not null)
        {
            await categories.FilterAsync(query, slug, parameters, context.Caller(), context.RequestAborted);
        }

        Add(query, "merchant_id =", merchant);
        Add(query, "store_id =", store);
        Add(query, "price_cents >=", lowest);
        Add(query, "price_cents <=", highest);
        Add(query, "rating_tenths >=", rating);
        query.Counter = CounterFor((slug, merchant, store), lowest is not null || highest is not null || rating is not null);
        await ListReply.AnswerAsync(context, database, query, parameters);
    }

    /// <summary>Counters are kept for the whole catalogue and for each category, merchant and store: for one filter, and not with others.</summary>
    private static string? CounterFor((string? Category, int? Merchant, int? Store) of, bool others) => (of, others) switch
    {
        ((null, null, null), false) => "SELECT product_count FROM catalogue",
        ((not null, null, null), false) => "SELECT product_count FROM categories WHERE id = $1",
        ((null, not null, null), false) => "SELECT coalesce((SELECT product_count FROM merchants WHERE id = $1), 0)",
        ((null, null, not null), false) => "SELECT coalesce((SELECT product_count FROM stores WHERE id = $1), 0)",
        _ => null,
    };

    private static void Add(ListQuery query, string condition, int? value)
    {
        if (value is { } given)
        {
            query.Where(condition, given);
        }
    }
}
