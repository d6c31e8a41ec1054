using System.Collections.Frozen;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Rez.Payments;

/// <summary>Where a payment stands.</summary>
internal enum PaymentState
{
    /// <summary>It was written, and the provider is being asked.</summary>
    Processing,

    /// <summary>The provider was asked, and whether it has charged is not known yet.</summary>
    Unknown,

    /// <summary>It was charged, and the order is paid.</summary>
    Succeeded,

    /// <summary>Nothing was charged; the order may be paid again.</summary>
    Declined,

    /// <summary>Some of it, or all, is being given back.</summary>
    Refunding,

    /// <summary>All of it was given back.</summary>
    Refunded,
}

/// <summary>
/// One attempt to pay an order. Its id is the provider's Idempotency-Key, <c>Reference</c> the provider's id of the charge; <c>Problem</c> is why it did
/// not succeed or is not known; of its amount <c>RefundedCents</c> were given back, and <c>RefundCents</c> are to be with the refund that has begun.
/// </summary>
internal sealed record Payment(
    ShardId Id, ShardId Order, ShardId User, long AmountCents, PaymentState State, string? Reference, string? Problem, long RefundCents, long RefundedCents, DateTime CreatedAt, DateTime UpdatedAt)
{
    public const string Columns = "id, order_id, user_id, amount_cents, state, reference, problem, refund_cents, refunded_cents, created_at, updated_at";

    /// <summary>That may still become, or is, the charge of its order: an order has one of these at most.</summary>
    public const string Live = "state IN ('processing', 'unknown', 'succeeded')";

    private static readonly FrozenDictionary<string, PaymentState> States = Enum.GetValues<PaymentState>().ToFrozenDictionary(Text);

    public static Payment Read(NpgsqlDataReader row) => new(
        new ShardId(row.GetInt64(0)),
        new ShardId(row.GetInt64(1)),
        new ShardId(row.GetInt64(2)),
        row.GetInt64(3),
        States[row.GetString(4)],
        row.IsDBNull(5) ? null : row.GetString(5),
        row.IsDBNull(6) ? null : row.GetString(6),
        row.GetInt64(7),
        row.GetInt64(8),
        row.GetDateTime(9),
        row.GetDateTime(10));

    /// <summary>A state's name in JSON and in the database.</summary>
    public static string Text(PaymentState state) => state switch
    {
        PaymentState.Processing => "processing",
        PaymentState.Unknown => "unknown",
        PaymentState.Succeeded => "succeeded",
        PaymentState.Declined => "declined",
        PaymentState.Refunding => "refunding",
        PaymentState.Refunded => "refunded",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, null),
    };
}
