using Npgsql;
using Rez.Payments.Provider;
using Tenfold.Jobs;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Payments;

/// <summary>Asks the provider what became of a payment, until it is known. One is enqueued with each payment, for the case that whoever makes it dies.</summary>
/// <param name="Payment">Its id.</param>
[Job("payments.reconcile", Queue = "orders")]
internal sealed record ReconcilePayment(long Payment);

/// <summary>Looks once, and puts the job off when it is not known yet.</summary>
internal sealed class ReconcilePaymentHandler(PaymentTable payments, Settlement settlement, IPaymentProvider provider, PaymentSettings settings) : IJobHandler<ReconcilePayment>
{
    public async Task HandleAsync(ReconcilePayment job, JobContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(job);
        ArgumentNullException.ThrowIfNull(context);
        if (await Outages.PutOffAsync(() => LookAsync(new ShardId(job.Payment), cancel)) is { } open)
        {
            throw new JobRetryException(PaymentRules.Pause(open.Age), open.Why) { Counts = false };
        }
    }

    /// <returns>Why it is not known yet, and how old it is; null when it is known.</returns>
    private async Task<(string Why, TimeSpan Age)?> LookAsync(ShardId id, CancellationToken cancel)
    {
        if (await payments.FindNewestAsync(id, cancel) is not ({ State: PaymentState.Processing or PaymentState.Unknown }, var age))
        {
            return null;
        }

        var said = await provider.FindAsync(id, cancel);
        if (said.Status == ChargeStatus.NotFound)
        {
            // No request can be under way for longer than the horizon.
            said = age > settings.Horizon
                ? new ChargeAnswer(ChargeStatus.Declined, Problem: "it has not reached the payment provider")
                : new ChargeAnswer(ChargeStatus.Unknown, Problem: "the payment provider does not know of it yet");
        }

        if (said.Status == ChargeStatus.Unknown)
        {
            return (said.Problem!, age);
        }

        var settled = await settlement.ChargedAsync(id, said, null, null, cancel);
        return settled is { State: PaymentState.Processing or PaymentState.Unknown } ? ("its amount is not the provider's", age) : null;
    }
}

/// <summary>Databases that are away for a moment: a job waits for them, however often.</summary>
internal static class Outages
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    /// <exception cref="JobRetryException">A database is away.</exception>
    public static async Task<T> PutOffAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception away) when (away is PostgresStoreException or ShardException { Failure: ShardFailure.Moved or ShardFailure.Map } or NpgsqlException { IsTransient: true })
        {
            throw new JobRetryException(Pause, "a database is away: " + away.Message, away) { Counts = false };
        }
    }
}
