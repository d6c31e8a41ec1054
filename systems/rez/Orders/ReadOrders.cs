using System.Globalization;
using System.Text;
using Commons.Accounts;
using Commons.Http;
using Tenfold.AspNetCore;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>Orders for their buyers, for merchants and for administrators.</summary>
internal sealed class ReadOrders(OrderQueries orders)
{
    private static readonly IReadOnlyDictionary<string, string?> Statuses = OrderStates.Names.Keys.ToDictionary(name => name, name => (string?)name, StringComparer.Ordinal);

    /// <summary><c>GET /api/orders/{id}</c>: the buyer's own, an administrator's any.</summary>
    public async Task GetAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "order") is not { } id || !await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        if (await orders.FindAsync(new ShardId(id), OwnerOf(context.Identity()), context.Caller(), context.RequestAborted) is not { } found)
        {
            await ItemReply.NotFoundAsync(context, "order");
            return;
        }

        await AnswerAsync(context, found);
    }

    /// <summary><c>GET /api/orders</c>.</summary>
    public Task ListAsync(HttpContext context) => ListAsync(context, async (status, before, limit) =>
    {
        var rows = await orders.OfBuyerAsync(context.Identity().User, status, before, limit, context.Caller(), context.RequestAborted);
        return (rows.Count > limit ? rows[..limit] : rows, rows.Count > limit);
    });

    /// <summary><c>GET /api/admin/orders</c>.</summary>
    public Task ListAllAsync(HttpContext context) => ListAsync(context, async (status, before, limit) =>
    {
        var page = await orders.AllAsync(status, before, limit, context.Caller(), context.RequestAborted);
        return (page.Rows, page.More);
    });

    /// <summary><c>GET /api/merchants/{id}/orders</c>: the parts of orders that are the merchant's.</summary>
    public async Task ListOfMerchantAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "merchant") is not { } id)
        {
            return;
        }

        var identity = context.Identity();
        if (id > int.MaxValue || (identity.Role != Access.Admin && identity.ActsFor != id))
        {
            await ItemReply.NotFoundAsync(context, "merchant");
            return;
        }

        await ListAsync(context, async (status, before, limit) =>
        {
            var page = await orders.OfMerchantAsync((int)id, status, before, limit, context.Caller(), context.RequestAborted);
            return (page.Rows, page.More);
        });
    }

    /// <summary>Sends one order or part of it.</summary>
    public static async Task AnswerAsync(HttpContext context, string json)
    {
        context.Response.Headers.CacheControl = "no-store";
        using var reply = new Reply();
        reply.Add("{\"success\":true,\"data\":"u8).Add(Encoding.UTF8.GetBytes(json)).Add("}"u8);
        await reply.SendAsync(context);
    }

    /// <summary>Whose orders somebody may look at and change: their own, or, for an administrator, everybody's (null).</summary>
    public static ShardId? OwnerOf(Identity identity) => identity.Role == Access.Admin ? null : identity.User;

    private static async Task ListAsync(HttpContext context, Func<string?, long, int, Task<(IReadOnlyList<ShownRow> Rows, bool More)>> read)
    {
        var parameters = new QueryParameters(context);
        var status = parameters.Choice("status", null, Statuses);
        var limit = parameters.Number("limit", 20, 1, 100);
        var before = KeysetParameters.Before(parameters);
        if (!await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        var (rows, more) = await read(status, before, limit);
        context.Response.Headers.CacheControl = "no-store";
        using var reply = new Reply();
        reply.Add("{\"success\":true,\"data\":["u8);
        for (var i = 0; i < rows.Count; i++)
        {
            reply.Add(i > 0 ? ","u8 : []).Add(Encoding.UTF8.GetBytes(rows[i].Json));
        }

        reply.Add("],\"pagination\":{\"limit\":"u8).Add(limit).Add(",\"hasMore\":"u8).Add(more).Add(",\"nextCursor\":"u8);
        if (more)
        {
            reply.AddString(rows[^1].Id.ToString(CultureInfo.InvariantCulture));
        }
        else
        {
            reply.Add("null"u8);
        }

        reply.Add("}}"u8);
        await reply.SendAsync(context);
    }
}
