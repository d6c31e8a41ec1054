using System.Text.Json;
using System.Text.Json.Serialization;

namespace PaymentSimulator;

/// <summary>A charge, or the attempt at one. Amounts are cents, times are Unix seconds. Immutable: each change is a new one.</summary>
internal sealed record Intent
{
    public required string Id { get; init; }

    public string Object { get; init; } = "payment_intent";

    public required long Amount { get; init; }

    public required string Currency { get; init; }

    /// <summary><c>succeeded</c>, <c>requires_capture</c>, <c>requires_payment_method</c> (declined) or <c>canceled</c>.</summary>
    public required string Status { get; init; }

    public long AmountReceived { get; init; }

    public long AmountRefunded { get; init; }

    public required string CaptureMethod { get; init; }

    public required string PaymentMethod { get; init; }

    public required long Created { get; init; }

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    public Failure? LastPaymentError { get; init; }
}

internal sealed record Refund
{
    public required string Id { get; init; }

    public string Object { get; init; } = "refund";

    public required long Amount { get; init; }

    public required string Currency { get; init; }

    public required string PaymentIntent { get; init; }

    public string Status { get; init; } = "succeeded";

    public required long Created { get; init; }

    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();
}

/// <summary>What <c>charge.refunded</c> is about.</summary>
internal sealed record Charge(string Id, string Object, string PaymentIntent, long Amount, long AmountRefunded, bool Refunded, string Currency, IReadOnlyDictionary<string, string> Metadata)
{
    public static Charge Of(Intent intent) =>
        new("ch" + intent.Id[2..], "charge", intent.Id, intent.Amount, intent.AmountRefunded, intent.AmountRefunded == intent.AmountReceived, intent.Currency, intent.Metadata);
}

internal sealed record Failure(string Type, string? Code, string Message)
{
    public string? DeclineCode { get; init; }

    public Intent? PaymentIntent { get; init; }
}

internal sealed record FailureBody(Failure Error);

internal sealed record SearchResult(string Object, IReadOnlyList<Intent> Data, bool HasMore);

internal sealed record RefundList(string Object, IReadOnlyList<Refund> Data, bool HasMore);

/// <summary>An event as it is sent.</summary>
internal sealed record Event(string Id, string Object, string Type, long Created, EventData Data);

internal sealed record EventData(JsonElement Object);

/// <summary>What judges read: only money that has moved.</summary>
internal sealed record LedgerView(IReadOnlyList<Intent> Charges, IReadOnlyList<Refund> Refunds);

/// <summary>One line of the file: what happened together.</summary>
internal sealed record Entry
{
    public Intent? Intent { get; init; }

    public Refund? Refund { get; init; }

    /// <summary>The Idempotency-Key that it was asked for with, what was asked, and how it was answered.</summary>
    public string? Key { get; init; }

    public string? Fingerprint { get; init; }

    public int Status { get; init; }

    /// <summary>When the answer was no intent or refund.</summary>
    public Failure? Error { get; init; }

    /// <summary>The event that follows from it.</summary>
    public string? EventId { get; init; }

    public string? EventType { get; init; }

    /// <summary>An event that needs no more sending.</summary>
    public string? Delivered { get; init; }

    public Control? Control { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(Entry))]
[JsonSerializable(typeof(FailureBody))]
[JsonSerializable(typeof(SearchResult))]
[JsonSerializable(typeof(RefundList))]
[JsonSerializable(typeof(Event))]
[JsonSerializable(typeof(Charge))]
[JsonSerializable(typeof(LedgerView))]
internal sealed partial class SimulatorJson : JsonSerializerContext;
