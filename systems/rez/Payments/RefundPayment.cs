using Rez.Payments.Provider;
using Tenfold.Jobs;
using Tenfold.Postgres.Shards;

namespace Rez.Payments;

/// <summary>Gives back what is owed of an order: all of it when it was refunded, or came to an end before its charge did; otherwise the refunded parts. Enqueued in the transaction that owes it.</summary>
/// <param name="Order">The order.</param>
[Job("payments.refund", Queue = "orders")]
internal sealed record RefundPayment(long Order);

/// <summary>
/// Asks the provider for one refund after the other. Each is written before it is asked for, and asked for with the same key until it is known to be
/// done, so that it is given back once.
/// </summary>
internal sealed class RefundPaymentHandler(Settlement settlement, IPaymentProvider provider, TimeProvider time) : IJobHandler<RefundPayment>
{
    /// <summary>Providers remember Idempotency-Keys for 24 h.</summary>
    private static readonly TimeSpan Keys = TimeSpan.FromHours(23);

    public async Task HandleAsync(RefundPayment job, JobContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(context);
        var age = time.GetUtcNow() - context.EnqueuedAt;
        if (age > Keys)
        {
            throw new JobFailedException($"order {job.Order}: the payment provider has not confirmed the refund for {Keys.TotalHours:0} h; look there whether it was made, since it would not recognise a repetition any more, then retry this job");
        }

        if (await Outages.PutOffAsync(() => RefundAsync(new ShardId(job.Order), cancel)) is { } problem)
        {
            throw new JobRetryException(PaymentRules.Pause(age), problem) { Counts = false };
        }
    }

    /// <returns>Why it is not done yet; null when nothing is owed.</returns>
    private async Task<string?> RefundAsync(ShardId order, CancellationToken cancel)
    {
        while (await settlement.BeginRefundAsync(order, cancel) is { } payment)
        {
            var said = await provider.RefundAsync(payment, cancel);
            if (!said.IsDone)
            {
                return said.Problem;
            }

            await settlement.RefundedAsync(payment.Id, payment.RefundCents, null, cancel);
        }

        return null;
    }
}
