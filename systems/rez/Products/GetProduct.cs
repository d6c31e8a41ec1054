using Commons.Http;
using Tenfold.Postgres;

namespace Rez.Products;

/// <summary><c>GET /api/products/{id}</c>.</summary>
internal sealed class GetProduct(PostgresStore database)
{
    public Task HandleAsync(HttpContext context) =>
        ItemReply.AnswerAsync(context, database, "SELECT json, version FROM products WHERE id = $1 AND is_active", "product", versioned: true);
}
