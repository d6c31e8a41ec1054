using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Commons.Accounts;
using Commons.Audit;
using Commons.Http;
using Commons.OpenApi;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Postgres.Shards;

namespace Rez.Stock;

/// <summary>Body of <c>PUT /api/products/{id}/stock</c>: one of both.</summary>
internal sealed record StockChange
{
    /// <summary>So many are available from now on.</summary>
    public int? Available { get; init; }

    /// <summary>So many more, or fewer, than now: for deliveries, as sales go on meanwhile.</summary>
    public int? Change { get; init; }

    public Dictionary<string, string[]> Errors() => (Available, Change) switch
    {
        ({ } available, null) when available is < 0 or > StockTable.MostAvailable => JsonBody.Error("available", $"is {available}; it must be from 0 to {StockTable.MostAvailable}"),
        (null, null) or (not null, not null) => JsonBody.Error(JsonProblem.Whole, "must have either available or change"),
        _ => [],
    };
}

/// <summary><c>/api/products/{id}/stock</c>, for the product's merchant and for administrators. To others there is no such product.</summary>
internal sealed class StockEndpoints(StockTable stock, ProductPlaces places, AuditLog audit, ShardedStore store)
{
    private static readonly Operation GetOperation = new("getStock", "A product's stock: received = available + reserved + sold", typeof(Item<StockLevel>), CommonParameters.Id)
    { Access = Access.Staff, Problems = [404] };

    private static readonly Operation PutOperation = new("changeStock", "Sets how many of a product are available, or changes it by so many", typeof(Item<StockLevel>), CommonParameters.Id)
    { Body = typeof(StockChange), Access = Access.Staff, Problems = [404, 409, 415] };

    public void Map(RouteTable routes)
    {
        routes.Map("GET", "/api/products/{id}/stock", GetAsync, GetOperation);
        routes.Map("PUT", "/api/products/{id}/stock", PutAsync, PutOperation);
    }

    private async Task GetAsync(HttpContext context)
    {
        if (await FindAsync(context) is ({ } product, { } merchant))
        {
            await AnswerAsync(context, await stock.FindAsync(merchant, product, context.Caller(), context.RequestAborted));
        }
    }

    private async Task PutAsync(HttpContext context)
    {
        if (await FindAsync(context) is not ({ } product, { } merchant) || await JsonBody.ReadAsync(context, StockJson.Default.StockChange, "change of stock", change => change.Errors()) is not { } change)
        {
            return;
        }

        var (before, after) = await store.WriteAsync(
            merchant,
            async (write, token) =>
            {
                var changed = await StockTable.ChangeAsync(write, merchant, product, change, token);
                if (changed.After is { } level)
                {
                    await audit.WriteAsync(write, Actor.Of(context), "stock.change", $"product:{product}", new JsonObject { ["available"] = changed.Before.Available }, new JsonObject { ["available"] = level.Available }, token);
                }

                return changed;
            },
            context.Caller(),
            context.RequestAborted);
        await (after is null
            ? Problem.WriteAsync(context, StatusCodes.Status409Conflict, $"Product {product} has {before.Available} available: {change.Change} more would be less than 0 or more than {StockTable.MostAvailable}.")
            : AnswerAsync(context, after));
    }

    private async ValueTask<(long? Product, int? Merchant)> FindAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "product") is not { } product || !await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return default;
        }

        var identity = context.Identity();
        if (await places.MerchantOfAsync(product, context.Caller(), context.RequestAborted) is { } merchant && (identity.Role == Access.Admin || identity.ActsFor == merchant))
        {
            return (product, merchant);
        }

        await ItemReply.NotFoundAsync(context, "product");
        return default;
    }

    private static async Task AnswerAsync(HttpContext context, StockLevel level)
    {
        context.Response.Headers.CacheControl = "no-store";
        using var reply = new Reply();
        reply.Add(new Item<StockLevel>(true, level), StockJson.Default.ItemStockLevel);
        await reply.SendAsync(context);
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(StockChange))]
[JsonSerializable(typeof(Item<StockLevel>))]
internal sealed partial class StockJson : JsonSerializerContext;
