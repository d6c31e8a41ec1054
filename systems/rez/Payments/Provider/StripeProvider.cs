using System.Globalization;
using System.Net;
using System.Text.Json;
using Tenfold.Postgres.Shards;

namespace Rez.Payments.Provider;

/// <summary>
/// A provider with Stripe's REST API: one request makes and confirms a payment intent. The payment's id is the Idempotency-Key and stands in the
/// intent's metadata, so that a charge whose answer was lost is found again. Thread-safe.
/// </summary>
internal sealed class StripeProvider(PaymentOptions options, TimeProvider time) : IPaymentProvider, IDisposable
{
    /// <summary>Name of the payment's id in the provider's metadata.</summary>
    public const string PaymentField = "payment";

    private readonly ProviderHttp _http = new(options, time);

    public string? Refusal => _http.IsOpen ? "the payment provider does not answer; try again in a moment" : null;

    public async Task<ChargeAnswer> ChargeAsync(Payment payment, string method, CancellationToken cancel)
    {
        var form = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["amount"] = payment.AmountCents.ToString(CultureInfo.InvariantCulture),
            ["currency"] = options.Currency,
            ["payment_method"] = method,
            ["confirm"] = "true",
            ["automatic_payment_methods[enabled]"] = "true",
            ["automatic_payment_methods[allow_redirects]"] = "never",
            [$"metadata[{PaymentField}]"] = payment.Id.ToString(),
            ["metadata[order]"] = payment.Order.ToString(),
        };
        return StripeAnswers.OfCharge(await _http.SendAsync(HttpMethod.Post, "v1/payment_intents", form, payment.Id.ToString(), cancel));
    }

    public async Task<ChargeAnswer> FindAsync(ShardId payment, CancellationToken cancel) => StripeAnswers.OfSearch(await _http.SendAsync(
        HttpMethod.Get, $"v1/payment_intents/search?query={Uri.EscapeDataString($"metadata['{PaymentField}']:'{payment}'")}", null, null, cancel));

    public async Task<RefundAnswer> RefundAsync(Payment payment, CancellationToken cancel)
    {
        var form = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["payment_intent"] = payment.Reference!,
            ["amount"] = (payment.RefundCents - payment.RefundedCents).ToString(CultureInfo.InvariantCulture),
            [$"metadata[{PaymentField}]"] = payment.Id.ToString(),
        };
        var key = string.Create(CultureInfo.InvariantCulture, $"refund-{payment.Id}-{payment.RefundedCents}-{payment.RefundCents}");
        var said = StripeAnswers.OfRefund(await _http.SendAsync(HttpMethod.Post, "v1/refunds", form, key, cancel));
        if (said.IsDone)
        {
            return said;
        }

        // A provider repeats a lost answer's 500 for its key, though the refund was made.
        var made = await _http.SendAsync(HttpMethod.Get, $"v1/refunds?limit=100&payment_intent={Uri.EscapeDataString(payment.Reference!)}", null, null, cancel);
        return StripeAnswers.Refunded(made) >= payment.RefundCents ? new RefundAnswer(true) : said;
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>What Stripe's answers mean. Only what surely was not carried out counts as not charged.</summary>
internal static class StripeAnswers
{
    public static ChargeAnswer OfCharge(Exchange exchange)
    {
        if (exchange.Reply is not { } reply)
        {
            return new ChargeAnswer(exchange.WasSent ? ChargeStatus.Unknown : ChargeStatus.NotSent, Problem: exchange.Problem);
        }

        if (Parse(reply.Body) is not { } answer)
        {
            return Unclear(exchange, $"the payment provider answered with {(int)reply.Status} and no JSON");
        }

        var error = Error(answer);
        return reply.Status switch
        {
            HttpStatusCode.OK => OfIntent(answer),
            HttpStatusCode.PaymentRequired => new ChargeAnswer(ChargeStatus.Declined, Text(answer, "error", "payment_intent", "id"), Problem: Text(answer, "error", "decline_code") ?? Text(answer, "error", "code") ?? error),
            // The same key with other parameters: a first request was accepted.
            _ when Text(answer, "error", "type") == "idempotency_error" => new ChargeAnswer(ChargeStatus.Unknown, Problem: error),
            HttpStatusCode.BadRequest or HttpStatusCode.NotFound when !exchange.WasSent => new ChargeAnswer(ChargeStatus.Declined, Problem: error),
            _ => Unclear(exchange, $"the payment provider answered with {(int)reply.Status}: {error}"),
        };
    }

    public static ChargeAnswer OfSearch(Exchange exchange)
    {
        if (exchange.Reply is not { Status: HttpStatusCode.OK } reply || Parse(reply.Body) is not { ValueKind: JsonValueKind.Object } answer || !answer.TryGetProperty("data", out var found) || found.ValueKind != JsonValueKind.Array)
        {
            return new ChargeAnswer(ChargeStatus.Unknown, Problem: exchange.Problem ?? $"the payment provider answered with {(int?)exchange.Reply?.Status} when it was asked for the charge");
        }

        // One key makes one intent; were there more, one that was charged is what counts, then one that may be.
        var intents = found.EnumerateArray().Select(OfIntent).ToList();
        return intents.Find(intent => intent.Status == ChargeStatus.Succeeded) ?? intents.Find(intent => intent.Status == ChargeStatus.Unknown) ?? intents.FirstOrDefault() ?? new ChargeAnswer(ChargeStatus.NotFound);
    }

    public static RefundAnswer OfRefund(Exchange exchange)
    {
        if (exchange.Reply is not { } reply || Parse(reply.Body) is not { } answer)
        {
            return new RefundAnswer(false, exchange.Problem ?? $"the payment provider answered with {(int?)exchange.Reply?.Status} and no JSON");
        }

        return reply.Status switch
        {
            HttpStatusCode.OK when Text(answer, "status") is "succeeded" or "pending" => new RefundAnswer(true),
            HttpStatusCode.OK => new RefundAnswer(false, $"the refund is '{Text(answer, "status")}' at the payment provider"),
            _ when Text(answer, "error", "code") == "charge_already_refunded" => new RefundAnswer(true),
            _ => new RefundAnswer(false, $"the payment provider answered with {(int)reply.Status}: {Error(answer)}"),
        };
    }

    /// <summary>How much was given back, by the list of refunds; 0 when there was no answer.</summary>
    public static long Refunded(Exchange exchange) =>
        exchange.Reply is { Status: HttpStatusCode.OK } reply && Parse(reply.Body) is { ValueKind: JsonValueKind.Object } answer && answer.TryGetProperty("data", out var refunds) && refunds.ValueKind == JsonValueKind.Array
            ? refunds.EnumerateArray().Where(refund => Text(refund, "status") is "succeeded" or "pending").Sum(refund => Number(refund, "amount"))
            : 0;

    /// <summary>What an intent says.</summary>
    public static ChargeAnswer OfIntent(JsonElement intent)
    {
        var id = Text(intent, "id");
        return Text(intent, "status") switch
        {
            "succeeded" when id is not null => new ChargeAnswer(ChargeStatus.Succeeded, id, Number(intent, "amount_received")),
            "canceled" => new ChargeAnswer(ChargeStatus.Declined, id, Problem: "it was cancelled at the payment provider"),
            "requires_payment_method" => new ChargeAnswer(
                ChargeStatus.Declined, id, Problem: Text(intent, "last_payment_error", "decline_code") ?? Text(intent, "last_payment_error", "code") ?? "it was declined"),
            // Nobody is sent to a page of the bank's here: were it confirmed there after all, the money would be given back.
            "requires_action" => new ChargeAnswer(ChargeStatus.Declined, id, Problem: "authentication_required"),
            var other => new ChargeAnswer(ChargeStatus.Unknown, id, Problem: $"it is '{other}' at the payment provider"),
        };
    }

    public static string? Text(JsonElement json, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty(name, out json))
            {
                return null;
            }
        }

        return json.ValueKind == JsonValueKind.String ? json.GetString() : null;
    }

    public static long Number(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : 0;

    private static ChargeAnswer Unclear(Exchange exchange, string problem) => new(exchange.WasSent ? ChargeStatus.Unknown : ChargeStatus.NotSent, Problem: problem);

    private static string Error(JsonElement answer) => Text(answer, "error", "message") ?? "it did not say why";

    private static JsonElement? Parse(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
