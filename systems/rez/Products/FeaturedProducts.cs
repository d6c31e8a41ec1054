using Commons.Http;
using Rez.Listing;
using Tenfold.Postgres;

namespace Rez.Products;

/// <summary><c>GET /api/products/featured</c>: what the shop shows first, most popular first.</summary>
internal sealed class FeaturedProducts(PostgresStore database)
{
    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var query = new ListQuery("products", ProductSorts.Popular).Where("is_active").Where("is_featured");
        await ListReply.AnswerAsync(context, database, query, parameters, limit: 10, most: 50);
    }
}
