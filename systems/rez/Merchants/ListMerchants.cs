using NpgsqlTypes;
using Commons.Http;
using Rez.Listing;
using Tenfold.Postgres;

namespace Rez.Merchants;

/// <summary><c>GET /api/merchants</c>, by id.</summary>
internal sealed class ListMerchants(PostgresStore database)
{
    private static readonly SortOrder ById = new("id", false, new SortKey("id", NpgsqlDbType.Bigint), new SortKey("id", NpgsqlDbType.Integer));

    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var query = new ListQuery("merchants", ById) { Counter = "SELECT merchant_count FROM catalogue" };
        await ListReply.AnswerAsync(context, database, query, parameters);
    }
}

/// <summary><c>GET /api/merchants/{id}</c>.</summary>
internal sealed class GetMerchant(PostgresStore database)
{
    public Task HandleAsync(HttpContext context) =>
        ItemReply.AnswerAsync(context, database, "SELECT json FROM merchants WHERE id = $1", "merchant");
}
