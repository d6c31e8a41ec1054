using System.Globalization;
using System.Text.Json;
using Commons.Http;
using Commons.OpenApi;
using Rez.Payments.Provider;
using Tenfold.AspNetCore.Errors;
using Tenfold.Postgres.Shards;

namespace Rez.Payments.Webhooks;

/// <summary>
/// <c>POST /api/payments/webhooks</c>: events of the provider. They come late, twice, in any order, or before the answer to the request that they are
/// about. An event is noted in the transaction of its effect; whatever is not answered with 200 comes again.
/// </summary>
internal sealed class ReceiveWebhook(Settlement settlement, ShardedStore store, PaymentSettings settings, TimeProvider time, ILogger<ReceiveWebhook> logger)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (settings.Options is not { } options)
        {
            await Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "No payment provider is configured.");
            return;
        }

        if (await BoundedBody.ReadAsync(context) is not { } body)
        {
            return;
        }

        if (WebhookSignature.Problem(context.Request.Headers["Stripe-Signature"], body, options.WebhookSecret, time.GetUtcNow()) is { } wrong)
        {
            logger.LogWarning("A webhook was refused: {Why}", wrong);
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"The webhook is refused: {wrong}.");
            return;
        }

        if (Parse(body) is not { } notice)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "The webhook is no event: id, type and data.object are expected.");
            return;
        }

        await ApplyAsync(notice, context.RequestAborted);
        using var reply = new Reply();
        reply.Add(new Item<WebhookReceipt>(true, new WebhookReceipt(true)), PaymentsJson.Default.ItemWebhookReceipt);
        await reply.SendAsync(context);
    }

    private async Task ApplyAsync(Notice notice, CancellationToken cancel)
    {
        if (notice.Payment is not { } payment || payment.Bucket >= store.Map.Scheme.Count)
        {
            return; // of a charge that rez has not made
        }

        var known = notice.Type switch
        {
            "payment_intent.succeeded" or "payment_intent.payment_failed" or "payment_intent.canceled" =>
                await settlement.ChargedAsync(payment, StripeAnswers.OfIntent(notice.About), notice.Id, null, cancel),
            "charge.refunded" => await settlement.RefundedAsync(payment, StripeAnswers.Number(notice.About, "amount_refunded"), notice.Id, cancel),
            _ => null,
        };
        if (known is null)
        {
            logger.LogDebug("Event {Id} ({Type}) is of payment {Payment}: nothing follows from it", notice.Id, notice.Type, payment);
        }
    }

    private static Notice? Parse(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement.Clone();
            if (StripeAnswers.Text(root, "id") is not { Length: > 0 and <= 200 } id || StripeAnswers.Text(root, "type") is not { } type || !root.TryGetProperty("data", out var data)
                || data.ValueKind != JsonValueKind.Object || !data.TryGetProperty("object", out var about))
            {
                return null;
            }

            var payment = long.TryParse(StripeAnswers.Text(about, "metadata", StripeProvider.PaymentField), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? new ShardId(number) : (ShardId?)null;
            return new Notice(id, type, payment, about);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>An event.</summary>
    private sealed record Notice(string Id, string Type, ShardId? Payment, JsonElement About);
}
