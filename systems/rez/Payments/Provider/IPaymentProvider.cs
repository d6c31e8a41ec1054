using Tenfold.Postgres.Shards;

namespace Rez.Payments.Provider;

/// <summary>Who charges. Thread-safe. What goes wrong is a value, never an exception.</summary>
internal interface IPaymentProvider
{
    /// <summary>Why it would not even be asked now; null when it would be.</summary>
    string? Refusal { get; }

    /// <summary>Charges once for each payment, however often it is called.</summary>
    Task<ChargeAnswer> ChargeAsync(Payment payment, string method, CancellationToken cancel);

    /// <summary>What became of a payment's charge.</summary>
    /// <returns><see cref="ChargeStatus.NotFound"/> when the provider knows of none; <see cref="ChargeStatus.Unknown"/> when it does not answer.</returns>
    Task<ChargeAnswer> FindAsync(ShardId payment, CancellationToken cancel);

    /// <summary>Gives back so much of a charge, once for each total.</summary>
    /// <param name="payment">Charged, with its <see cref="Payment.Reference"/>; up to <see cref="Payment.RefundCents"/> is to be given back, <see cref="Payment.RefundedCents"/> was.</param>
    /// <param name="cancel">Ends the wait.</param>
    Task<RefundAnswer> RefundAsync(Payment payment, CancellationToken cancel);
}

/// <summary>What a provider says of a charge.</summary>
internal enum ChargeStatus
{
    /// <summary>It was charged.</summary>
    Succeeded,

    /// <summary>It was not charged, and will not be.</summary>
    Declined,

    /// <summary>Nobody knows: it may have been charged, or may yet be.</summary>
    Unknown,

    /// <summary>The request has surely not reached it: it was not charged, and will not be.</summary>
    NotSent,

    /// <summary>It does not know of it: it was not charged, but may be if a request is still under way.</summary>
    NotFound,
}

/// <summary>What a provider says of a charge.</summary>
/// <param name="Status">Whether it was charged.</param>
/// <param name="Reference">Its id of the charge.</param>
/// <param name="AmountCents">What was charged.</param>
/// <param name="Problem">Why it was not, or why nobody knows.</param>
internal sealed record ChargeAnswer(ChargeStatus Status, string? Reference = null, long AmountCents = 0, string? Problem = null);

/// <summary>What a provider says of a refund.</summary>
/// <param name="IsDone">Whether the money was given back. If not, it is asked again in the same way.</param>
/// <param name="Problem">Why not.</param>
internal sealed record RefundAnswer(bool IsDone, string? Problem = null);

/// <summary>No provider is configured: nothing can be paid, and the rest of the shop works.</summary>
internal sealed class NoProvider : IPaymentProvider
{
    private const string Why = "no payment provider is configured (Payments__Url, Payments__SecretKey, Payments__WebhookSecret)";

    public string Refusal => Why;

    public Task<ChargeAnswer> ChargeAsync(Payment payment, string method, CancellationToken cancel) => Task.FromResult(new ChargeAnswer(ChargeStatus.NotSent, Problem: Why));

    public Task<ChargeAnswer> FindAsync(ShardId payment, CancellationToken cancel) => Task.FromResult(new ChargeAnswer(ChargeStatus.Unknown, Problem: Why));

    public Task<RefundAnswer> RefundAsync(Payment payment, CancellationToken cancel) => Task.FromResult(new RefundAnswer(false, Why));
}
