using System.Text.Json.Nodes;
using Commons.Accounts;
using Commons.Audit;
using Commons.Data;
using Commons.Http;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>What buyers, merchants and administrators do with orders. What staff does is in the audit log.</summary>
internal sealed class MoveOrders(OrderMoves moves, AuditLog audit, ShardedStore store)
{
    /// <summary><c>POST /api/orders/{id}/cancel</c>, by the buyer or an administrator, until something was shipped.</summary>
    public Task CancelAsync(HttpContext context) => MoveAsync(context, OrderAction.Cancel);

    /// <summary><c>POST /api/admin/orders/{id}/refund</c>.</summary>
    public Task RefundAsync(HttpContext context) => MoveAsync(context, OrderAction.Refund);

    /// <summary><c>POST /api/merchant-orders/{id}/ship</c>.</summary>
    public Task ShipAsync(HttpContext context) => MovePartAsync(context, OrderAction.Ship);

    /// <summary><c>POST /api/merchant-orders/{id}/deliver</c>.</summary>
    public Task DeliverAsync(HttpContext context) => MovePartAsync(context, OrderAction.Deliver);

    /// <summary><c>POST /api/merchant-orders/{id}/cancel</c>: an order is had as a whole or not at all, so all of it is cancelled.</summary>
    public Task CancelPartAsync(HttpContext context) => MovePartAsync(context, OrderAction.Cancel);

    private sealed record Done(OrderMove Move, string? Json);

    private async Task MoveAsync(HttpContext context, OrderAction action)
    {
        if (await ReadAsync(context, "order") is not { } order)
        {
            return;
        }

        var identity = context.Identity();
        var done = await store.WriteAsync(
            order,
            async (write, token) =>
            {
                var known = await Sql.ListAsync(
                    Sql.Command(write.Connection, "SELECT status FROM orders WHERE bucket_id = $1 AND id = $2 AND ($3::bigint IS NULL OR user_id = $3)", write.Bucket, order.Value, ReadOrders.OwnerOf(identity)?.Value),
                    row => row.GetString(0),
                    token);
                if (known.Count == 0)
                {
                    return new Done(new OrderMove(OrderMoveOutcome.Missing, null), null);
                }

                var move = await moves.ApplyAsync(write, order, action, identity.Role == Access.Admin ? $"admin:{identity.User}" : $"user:{identity.User}", token);
                if (identity.Role == Access.Admin)
                {
                    await NoteAsync(context, write, move, action, $"order:{order}", known[0], token);
                }

                return new Done(move, (await OrderQueries.ReadAsync(write, order, token))?.Json);
            },
            context.Caller(),
            context.RequestAborted);
        await AnswerAsync(context, done, "order");
    }

    private async Task MovePartAsync(HttpContext context, OrderAction action)
    {
        if (await ReadAsync(context, "merchant order") is not { } part)
        {
            return;
        }

        var identity = context.Identity();
        var done = await store.WriteAsync(
            part,
            async (write, token) =>
            {
                var known = await Sql.ListAsync(
                    Sql.Command(write.Connection, "SELECT order_id, merchant_id, status FROM merchant_orders WHERE bucket_id = $1 AND id = $2", write.Bucket, part.Value),
                    row => (Order: new ShardId(row.GetInt64(0)), Merchant: row.GetInt32(1), Status: row.GetString(2)),
                    token);
                if (known.Count == 0 || (identity.Role != Access.Admin && identity.ActsFor != known[0].Merchant))
                {
                    return new Done(new OrderMove(OrderMoveOutcome.Missing, null), null);
                }

                var move = await moves.ApplyAsync(write, known[0].Order, action, identity.Role == Access.Admin ? $"admin:{identity.User}" : $"merchant:{known[0].Merchant}", token, action == OrderAction.Cancel ? null : part);
                await NoteAsync(context, write, move, action, $"merchant-order:{part}", known[0].Status, token);
                return new Done(move, (await OrderQueries.ReadPartAsync(write, part, token))?.Json);
            },
            context.Caller(),
            context.RequestAborted);
        await AnswerAsync(context, done, "merchant order");
    }

    /// <summary>The id of the path, or null when it has been answered.</summary>
    private async ValueTask<ShardId?> ReadAsync(HttpContext context, string kind)
    {
        if (await ItemReply.ReadIdAsync(context, kind) is not { } id || !await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return null;
        }

        if (new ShardId(id).Bucket < store.Map.Scheme.Count)
        {
            return new ShardId(id);
        }

        await ItemReply.NotFoundAsync(context, kind); // not one of our ids
        return null;
    }

    private Task NoteAsync(HttpContext context, ShardTransaction write, OrderMove move, OrderAction action, string subject, string before, CancellationToken cancel) =>
        move.Outcome != OrderMoveOutcome.Applied ? Task.CompletedTask : audit.WriteAsync(
            write,
            Actor.Of(context),
            $"order.{action.ToString().ToLowerInvariant()}",
            subject,
            new JsonObject { ["status"] = before },
            new JsonObject { ["orderStatus"] = OrderStates.Text(move.Status!.Value) },
            cancel);

    private static Task AnswerAsync(HttpContext context, Done done, string kind) => done.Move.Outcome switch
    {
        OrderMoveOutcome.Missing => ItemReply.NotFoundAsync(context, kind),
        OrderMoveOutcome.Refused => Problem.WriteAsync(context, StatusCodes.Status409Conflict, $"This cannot be done with {kind} {context.Request.RouteValues["id"]}: {done.Move.Why}."),
        _ => ReadOrders.AnswerAsync(context, done.Json!),
    };
}
