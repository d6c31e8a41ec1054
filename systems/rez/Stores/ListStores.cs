using NpgsqlTypes;
using Commons.Http;
using Rez.Listing;
using Tenfold.Postgres;

namespace Rez.Stores;

/// <summary><c>GET /api/stores</c>: the most popular first; <c>merchant=ID</c> lists one merchant's.</summary>
internal sealed class ListStores(PostgresStore database)
{
    private static readonly SortOrder Popular = new("popular", true, new SortKey("id", NpgsqlDbType.Bigint), new SortKey("popularity", NpgsqlDbType.Integer));

    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var merchant = parameters.OptionalNumber("merchant", 1, int.MaxValue);
        var query = new ListQuery("stores", Popular).Where("is_active");
        if (merchant is { } id)
        {
            query.Where("merchant_id =", id);
        }

        query.Counter = merchant is null ? "SELECT store_count FROM catalogue" : null;
        await ListReply.AnswerAsync(context, database, query, parameters);
    }
}

/// <summary><c>GET /api/stores/{id}</c>.</summary>
internal sealed class GetStore(PostgresStore database)
{
    public Task HandleAsync(HttpContext context) =>
        ItemReply.AnswerAsync(context, database, "SELECT json FROM stores WHERE id = $1 AND is_active", "store");
}
