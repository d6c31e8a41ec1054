using Commons.Data;
using Npgsql;
using Rez.Orders;
using Rez.Payments.Provider;
using Tenfold.Jobs;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Payments;

/// <summary>
/// Writes what the provider says: the payment, its order and the jobs that follow are one transaction. Answers, webhooks and looks all come through
/// here, in any order and any number; the first that knows decides.
/// </summary>
internal sealed class Settlement(ShardedStore store, OrderMoves orders, JobClient jobs, ILogger<Settlement> logger)
{
    // The order first, as everything that changes an order or a payment of it locks the order first.
    private const string LockOrder = "SELECT FROM orders WHERE bucket_id = $1 AND id = (SELECT order_id FROM payments WHERE bucket_id = $1 AND id = $2) FOR NO KEY UPDATE";

    /// <summary>Brings a payment to what the provider says of its charge.</summary>
    /// <param name="id">The payment.</param>
    /// <param name="said">What it says.</param>
    /// <param name="notice">The provider's id of the event that says so; null when it was asked. An event counts once.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>The payment as it is then; null when there is none.</returns>
    public Task<Payment?> ChargedAsync(ShardId id, ChargeAnswer said, string? notice, Caller? caller, CancellationToken cancel) => store.WriteAsync(
        id,
        async (write, token) =>
        {
            if (await LockAsync(write, id, token) is not { } payment || (notice is not null && !await IsNewAsync(write, id, notice, token)))
            {
                return await FindAsync(write, id, token);
            }

            if (said.Status == ChargeStatus.Succeeded && said.AmountCents != payment.AmountCents)
            {
                logger.LogError("Payment {Payment} is of {Expected} cents, and the provider says that {Reference} is of {Charged}: it is left as it is until somebody has looked", id, payment.AmountCents, said.Reference, said.AmountCents);
                return payment;
            }

            return await ApplyAsync(write, payment, said, PaymentRules.Next(payment.State, said.Status), token);
        },
        caller,
        cancel);

    /// <summary>Notes what the provider says it has given back.</summary>
    /// <param name="id">The payment.</param>
    /// <param name="refundedCents">In all.</param>
    /// <param name="notice">As in <see cref="ChargedAsync"/>.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>The payment as it is then; null when there is none.</returns>
    public Task<Payment?> RefundedAsync(ShardId id, long refundedCents, string? notice, CancellationToken cancel) => store.WriteAsync(
        id,
        async (write, token) =>
        {
            // An event that comes before its payment is known to have succeeded says nothing that a look would not find.
            if (await LockAsync(write, id, token) is not { State: PaymentState.Succeeded or PaymentState.Refunding } payment
                || (notice is not null && !await IsNewAsync(write, id, notice, token))
                || refundedCents <= payment.RefundedCents)
            {
                return await FindAsync(write, id, token);
            }

            if (refundedCents > payment.RefundCents)
            {
                logger.LogWarning("Payment {Payment}: {Refunded} cents were given back at the provider, {Wanted} by rez; its order stays as it is", id, refundedCents, payment.RefundCents);
            }

            var wanted = Math.Max(payment.RefundCents, refundedCents);
            var state = refundedCents == payment.AmountCents ? PaymentState.Refunded : refundedCents == wanted ? PaymentState.Succeeded : PaymentState.Refunding;
            return await UpdateAsync(write, payment with { State = state, RefundCents = wanted, RefundedCents = refundedCents, Problem = null }, token);
        },
        null,
        cancel);

    /// <summary>Begins the next refund of an order: what of it is owed and was not given back. While one has not ended there is no other.</summary>
    /// <param name="order">The order.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>The payment that is to be asked for; null when nothing is owed.</returns>
    public Task<Payment?> BeginRefundAsync(ShardId order, CancellationToken cancel) => store.WriteAsync(
        order,
        async (write, token) =>
        {
            await using (var batch = new NpgsqlBatch(write.Connection))
            {
                batch.BatchCommands.Add(Sql.InBatch("SELECT FROM orders WHERE bucket_id = $1 AND id = $2 FOR NO KEY UPDATE", write.Bucket, order.Value));
                await batch.ExecuteNonQueryAsync(token);
            }

            var payments = await Sql.ListAsync(
                Sql.Command(write.Connection, $"SELECT {Payment.Columns} FROM payments WHERE bucket_id = $1 AND order_id = $2 AND state IN ('succeeded', 'refunding') ORDER BY id FOR NO KEY UPDATE", write.Bucket, order.Value),
                Payment.Read,
                token);
            if (payments.Find(payment => payment.State == PaymentState.Refunding) is { } under)
            {
                return under;
            }

            if (payments.Count == 0)
            {
                return null;
            }

            var paid = payments[0];
            var owed = Math.Min(paid.AmountCents, await OwedAsync(write, order, token));
            return owed > paid.RefundedCents ? await UpdateAsync(write, paid with { State = PaymentState.Refunding, RefundCents = owed }, token) : null;
        },
        null,
        cancel);

    private static async Task<long> OwedAsync(ShardTransaction write, ShardId order, CancellationToken cancel) => (await Sql.ListAsync(
        Sql.Command(write.Connection, "SELECT coalesce(sum(total_cents), 0)::bigint FROM merchant_orders WHERE bucket_id = $1 AND order_id = $2 AND status IN ('refunded', 'cancelled')", write.Bucket, order.Value),
        row => row.GetInt64(0),
        cancel))[0];

    private async Task<Payment> ApplyAsync(ShardTransaction write, Payment payment, ChargeAnswer said, PaymentStep step, CancellationToken cancel)
    {
        var told = payment with { Reference = said.Reference ?? payment.Reference, Problem = said.Problem };
        switch (step)
        {
            case PaymentStep.Pay:
                var move = await orders.ApplyAsync(write, payment.Order, OrderAction.Pay, "system", cancel);
                return move.Outcome == OrderMoveOutcome.Applied
                    ? await UpdateAsync(write, told with { State = PaymentState.Succeeded, Problem = null }, cancel)
                    : await GiveBackAsync(write, told, $"the order is {(move.Status is { } status ? OrderStates.Text(status) : "gone")}", cancel);
            case PaymentStep.Decline:
                return await UpdateAsync(write, told with { State = PaymentState.Declined }, cancel, freesKey: said.Status == ChargeStatus.NotSent);
            case PaymentStep.Ask:
                await jobs.EnqueueAsync(write.Connection, new ReconcilePayment(payment.Id.Value), cancel: cancel);
                return await UpdateAsync(write, told with { State = PaymentState.Unknown }, cancel);
            case PaymentStep.GiveBack:
                return await GiveBackAsync(write, told, "it was charged after it had been given up", cancel);
            default:
                return payment;
        }
    }

    private async Task<Payment> GiveBackAsync(ShardTransaction write, Payment payment, string why, CancellationToken cancel)
    {
        logger.LogWarning("Payment {Payment} of order {Order} is given back: {Why}", payment.Id, payment.Order, why);
        await jobs.EnqueueAsync(write.Connection, new RefundPayment(payment.Order.Value), cancel: cancel);
        return await UpdateAsync(write, payment with { State = PaymentState.Refunding, RefundCents = payment.AmountCents, Problem = why }, cancel);
    }

    private static async Task<Payment?> LockAsync(ShardTransaction write, ShardId id, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch(write.Connection);
        batch.BatchCommands.Add(Sql.InBatch(LockOrder, write.Bucket, id.Value));
        batch.BatchCommands.Add(Sql.InBatch($"SELECT {Payment.Columns} FROM payments WHERE bucket_id = $1 AND id = $2 FOR NO KEY UPDATE", write.Bucket, id.Value));
        await using var rows = await batch.ExecuteReaderAsync(cancel);
        await rows.NextResultAsync(cancel);
        return await rows.ReadAsync(cancel) ? Payment.Read(rows) : null;
    }

    private static Task<Payment?> FindAsync(ShardTransaction write, ShardId id, CancellationToken cancel) =>
        Sql.OneAsync(Sql.Command(write.Connection, $"SELECT {Payment.Columns} FROM payments WHERE bucket_id = $1 AND id = $2", write.Bucket, id.Value), Payment.Read, cancel);

    private static async Task<bool> IsNewAsync(ShardTransaction write, ShardId id, string notice, CancellationToken cancel) => await Sql.ExecuteAsync(
        Sql.Command(write.Connection, "INSERT INTO payment_notices (bucket_id, id, payment_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", write.Bucket, notice, id.Value), cancel) == 1;

    private static async Task<Payment> UpdateAsync(ShardTransaction write, Payment payment, CancellationToken cancel, bool freesKey = false) => (await Sql.OneAsync(
        Sql.Command(
            write.Connection,
            $"""
            UPDATE payments SET state = $3, reference = $4, problem = $5, refund_cents = $6, refunded_cents = $7, key = CASE WHEN $8 THEN NULL ELSE key END, updated_at = now()
            WHERE bucket_id = $1 AND id = $2 RETURNING {Payment.Columns}
            """,
            write.Bucket,
            payment.Id.Value,
            Payment.Text(payment.State),
            payment.Reference,
            payment.Problem,
            payment.RefundCents,
            payment.RefundedCents,
            freesKey),
        Payment.Read,
        cancel))!;
}
