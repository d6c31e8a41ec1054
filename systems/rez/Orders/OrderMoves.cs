using System.Globalization;
using Commons.Data;
using Npgsql;
using Rez.Payments;
using Tenfold.Jobs;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>What became of a move.</summary>
internal enum OrderMoveOutcome
{
    /// <summary>It was made: status, event and jobs are in the transaction.</summary>
    Applied,

    /// <summary>It had been made before; nothing was changed.</summary>
    Already,

    /// <summary>The order's state does not allow it; nothing was changed.</summary>
    Refused,

    /// <summary>There is no such order, or no such part of it.</summary>
    Missing,
}

/// <summary>What became of a move.</summary>
/// <param name="Outcome">Whether it was made.</param>
/// <param name="Status">The order's status now; null when there is no such order.</param>
/// <param name="Why">Why it was refused, for a person.</param>
internal sealed record OrderMove(OrderMoveOutcome Outcome, OrderStatus? Status, string? Why = null);

/// <summary>Moves orders from one status to the next: the only code that changes a status.</summary>
internal sealed class OrderMoves(JobClient jobs, OrderTold told)
{
    // The order's row is the lock of everything that is the order's.
    private const string Lock = "SELECT status, changes, expires_at < clock_timestamp() FROM orders WHERE bucket_id = $1 AND id = $2 FOR NO KEY UPDATE";
    private const string Parts = "SELECT id, merchant_id, status FROM merchant_orders WHERE bucket_id = $1 AND order_id = $2 ORDER BY id";
    private const string IsBeingPaid = "SELECT EXISTS (SELECT FROM payments WHERE bucket_id = $1 AND order_id = $2 AND state IN ('processing', 'unknown', 'succeeded', 'refunding'))";

    private sealed record Part(ShardId Id, int Merchant, OrderStatus Status);

    private sealed record Found(OrderStatus Status, int Changes, bool HasExpired, List<Part> Parts, bool IsBeingPaid);

    /// <summary>Makes a move in the open transaction, which is in the order's bucket: locks the order, changes it, notes the event, enqueues what follows from it.</summary>
    /// <param name="write">The transaction; commit it for the move to be made.</param>
    /// <param name="order">The order.</param>
    /// <param name="action">What happens to it. <see cref="OrderAction.Expire"/> is refused while the order has time left or a payment lives.</param>
    /// <param name="actor">Who does it: <c>user:ID</c>, <c>merchant:ID</c>, <c>admin:ID</c> or <c>system</c>.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <param name="part">Only this part of it, at one merchant.</param>
    public async Task<OrderMove> ApplyAsync(ShardTransaction write, ShardId order, OrderAction action, string actor, CancellationToken cancel, ShardId? part = null)
    {
        if (await FindAsync(write, order, cancel) is not { } found)
        {
            return new OrderMove(OrderMoveOutcome.Missing, null);
        }

        List<Part> moving = part is { } one ? [.. found.Parts.Where(other => other.Id == one)] : found.Parts;
        if (moving.Count == 0)
        {
            return new OrderMove(OrderMoveOutcome.Missing, found.Status);
        }

        foreach (var refusing in moving)
        {
            if (OrderStates.Next(refusing.Status, action) is null)
            {
                return new OrderMove(OrderMoveOutcome.Refused, found.Status, OrderStates.WhyNot(refusing.Status, action));
            }
        }

        moving.RemoveAll(same => OrderStates.Next(same.Status, action) == same.Status);
        if (moving.Count == 0)
        {
            return new OrderMove(OrderMoveOutcome.Already, found.Status);
        }

        if (action == OrderAction.Expire && (!found.HasExpired || found.IsBeingPaid))
        {
            return new OrderMove(OrderMoveOutcome.Refused, found.Status, found.HasExpired ? "it is being paid" : "it has time left");
        }

        return await WriteAsync(write, order, action, actor, found, moving, part, cancel);
    }

    private static async Task<Found?> FindAsync(ShardTransaction write, ShardId order, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(write.Connection);
        foreach (var sql in (ReadOnlySpan<string>)[Lock, Parts, IsBeingPaid])
        {
            batch.BatchCommands.Add(Sql.InBatch(sql, write.Bucket, order.Value));
        }

        await using var rows = await batch.ExecuteReaderAsync(cancel);
        if (!await rows.ReadAsync(cancel))
        {
            return null;
        }

        var (status, changes, hasExpired) = (OrderStates.Parse(rows.GetString(0)), rows.GetInt32(1), rows.GetBoolean(2));
        await rows.NextResultAsync(cancel);
        var parts = new List<Part>();
        while (await rows.ReadAsync(cancel))
        {
            parts.Add(new Part(new ShardId(rows.GetInt64(0)), rows.GetInt32(1), OrderStates.Parse(rows.GetString(2))));
        }

        await rows.NextResultAsync(cancel);
        await rows.ReadAsync(cancel);
        return new Found(status, changes, hasExpired, parts, rows.GetBoolean(0));
    }

    private async Task<OrderMove> WriteAsync(ShardTransaction write, ShardId order, OrderAction action, string actor, Found found, List<Part> moving, ShardId? part, CancellationToken cancel)
    {
        var number = found.Changes + 1;
        var to = OrderStates.Next(moving[0].Status, action)!.Value;
        var status = OrderStates.Of(found.Parts.Select(other => moving.Contains(other) ? to : other.Status));
        var data = part is null
            ? $$"""{"status":"{{OrderStates.Text(status)}}"}"""
            : string.Create(CultureInfo.InvariantCulture, $$"""{"status":"{{OrderStates.Text(status)}}","merchantOrderId":"{{moving[0].Id}}","merchantId":{{moving[0].Merchant}}}""");
        await using var batch = new NpgsqlBatch(write.Connection);
        batch.BatchCommands.Add(Sql.InBatch("UPDATE orders SET status = $3, changes = $4, updated_at = now() WHERE bucket_id = $1 AND id = $2", write.Bucket, order.Value, OrderStates.Text(status), number));
        batch.BatchCommands.Add(Sql.InBatch(
            "UPDATE merchant_orders SET status = $3, updated_at = now(), shipped_at = CASE WHEN $4 THEN now() ELSE shipped_at END WHERE bucket_id = $1 AND id = ANY ($2)",
            write.Bucket,
            moving.Select(other => other.Id.Value).ToArray(),
            OrderStates.Text(to),
            action == OrderAction.Ship));
        batch.BatchCommands.Add(Sql.InBatch(
            "INSERT INTO order_events (bucket_id, order_id, number, kind, actor, data) VALUES ($1, $2, $3, $4, $5, $6::jsonb)",
            write.Bucket,
            order.Value,
            number,
            OrderStates.EventOf(action, to),
            actor,
            data));
        foreach (var tell in told.Of(order, number, OrderStates.EventOf(action, to), status))
        {
            batch.BatchCommands.Add(tell);
        }

        await batch.ExecuteNonQueryAsync(cancel);
        if (action is not (OrderAction.Ship or OrderAction.Deliver))
        {
            await jobs.EnqueueAsync(write.Connection, new SettleStock(order.Value), cancel: cancel);
        }

        if (to == OrderStatus.Refunded)
        {
            await jobs.EnqueueAsync(write.Connection, new RefundPayment(order.Value), cancel: cancel);
        }

        return new OrderMove(OrderMoveOutcome.Applied, status);
    }
}
