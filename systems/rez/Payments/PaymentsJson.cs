using System.Text.Json;
using System.Text.Json.Serialization;
using Commons.Http;
using Commons.OpenApi;

namespace Rez.Payments;

/// <summary>What is sent to pay an order.</summary>
internal sealed record PaymentRequest
{
    private const int LongestMethod = 200;

    /// <summary>The order's id.</summary>
    public string? OrderId { get; init; }

    /// <summary>The provider's token of a payment method, which the buyer's browser or app has got from the provider.</summary>
    public string? Method { get; init; }

    internal Dictionary<string, string[]> Errors()
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        if (!long.TryParse(OrderId, System.Globalization.NumberStyles.None, null, out var order) || order < 1)
        {
            errors["orderId"] = ["must be the id of an order, as text"];
        }

        if (Method is not { Length: > 0 and <= LongestMethod } method || method.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            errors["method"] = [$"must be 1 to {LongestMethod} visible ASCII characters: the payment provider's token of a payment method"];
        }

        return errors;
    }
}

/// <summary>A payment as it is shown: its status is one of processing, unknown, succeeded, declined, refunding and refunded.</summary>
internal sealed record PaymentView(string Id, string OrderId, string Status, decimal Amount, decimal Refunded, string? Problem, DateTime CreatedAt, DateTime UpdatedAt)
{
    public static PaymentView Of(Payment payment) => new(
        payment.Id.ToString(), payment.Order.ToString(), Payment.Text(payment.State), payment.AmountCents / 100m, payment.RefundedCents / 100m, payment.Problem, payment.CreatedAt, payment.UpdatedAt);

    /// <summary>Answers with it.</summary>
    public static async Task AnswerAsync(HttpContext context, int status, Payment payment)
    {
        using var reply = new Reply();
        reply.Add(new Item<PaymentView>(true, Of(payment)), PaymentsJson.Default.ItemPaymentView);
        context.Response.Headers.CacheControl = "no-store";
        await reply.SendAsync(context, status);
    }
}

/// <summary>What the provider is told when it has sent an event.</summary>
internal sealed record WebhookReceipt(bool Received);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(PaymentRequest))]
[JsonSerializable(typeof(Item<PaymentView>))]
[JsonSerializable(typeof(Item<WebhookReceipt>))]
[JsonSerializable(typeof(ProblemDocument))]
internal sealed partial class PaymentsJson : JsonSerializerContext;
