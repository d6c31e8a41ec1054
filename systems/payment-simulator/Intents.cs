using System.Text.RegularExpressions;

namespace PaymentSimulator;

/// <summary><c>/v1/payment_intents</c>.</summary>
internal sealed partial class Intents(Requests requests, Ledger ledger, Fates fates, Webhooks webhooks, TimeProvider time)
{
    /// <summary><c>POST</c>: makes an intent and confirms it, in one request.</summary>
    public Task CreateAsync(HttpContext context) => requests.ChangeAsync(context, DrawCreation, Create);

    /// <summary><c>GET /{id}</c>.</summary>
    public Task GetAsync(HttpContext context) => Requests.AnswerAsync(context, 200, Find(context), SimulatorJson.Default.Intent);

    /// <summary><c>GET /search?query=metadata['order']:'7'</c>. Finds what was made a moment ago, too.</summary>
    public Task SearchAsync(HttpContext context)
    {
        var query = context.Request.Query["query"].ToString();
        return ByMetadata().Match(query) is { Success: true } match
            ? Requests.AnswerAsync(context, 200, new SearchResult("search_result", ledger.FindIntents(match.Groups["name"].Value, match.Groups["value"].Value), HasMore: false), SimulatorJson.Default.SearchResult)
            : throw RequestFields.Wrong("query_invalid", $"query is '{query}'; it must be metadata['NAME']:'VALUE'.");
    }

    /// <summary><c>POST /{id}/capture</c>: takes what an intent with <c>capture_method=manual</c> has reserved.</summary>
    public Task CaptureAsync(HttpContext context) => requests.ChangeAsync(context, DrawPlain, (fields, _) =>
    {
        var intent = Find(context);
        return intent.Status == "requires_capture"
            ? Changed(intent with { Status = "succeeded", AmountReceived = intent.Amount }, "payment_intent.succeeded")
            : throw Unexpected(intent, "captured");
    });

    /// <summary><c>POST /{id}/cancel</c>: gives up what was only reserved.</summary>
    public Task CancelAsync(HttpContext context) => requests.ChangeAsync(context, DrawPlain, (fields, _) =>
    {
        var intent = Find(context);
        return intent.Status is "requires_capture" or "requires_payment_method"
            ? Changed(intent with { Status = "canceled" }, "payment_intent.canceled")
            : throw Unexpected(intent, "canceled");
    });

    [GeneratedRegex("^metadata\\['(?<name>[A-Za-z0-9_.-]{1,40})'\\]:'(?<value>[^'\\\\]{1,500})'$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ByMetadata();

    private static RefusedException Unexpected(Intent intent, string what) =>
        new(400, new Failure("invalid_request_error", "payment_intent_unexpected_state", $"{intent.Id} is {intent.Status} and cannot be {what}.") { PaymentIntent = intent });

    private static Fate DrawPlain(RequestFields fields) => new(null, default, Effect: true, Answering.Truth);

    private Fate DrawCreation(RequestFields fields)
    {
        _ = fields.Amount("amount") ?? throw RequestFields.Wrong("parameter_missing", "Missing required param: amount.");
        _ = fields.Required("currency") is { Length: 3 } currency ? currency : throw RequestFields.Wrong("parameter_invalid", "currency must be three letters.");
        _ = fields.Text("capture_method") is null or "automatic" or "manual" ? "" : throw RequestFields.Wrong("parameter_invalid", "capture_method must be automatic or manual.");
        _ = fields.Required("confirm") == "true" ? "" : throw RequestFields.Wrong("parameter_invalid", "confirm must be true: intents are made and confirmed in one request here.");
        _ = (fields.Text("description"), fields.Text("off_session"), fields.Text("automatic_payment_methods[enabled]"), fields.Text("automatic_payment_methods[allow_redirects]"), fields.Metadata());
        var token = fields.Required("payment_method");
        return fates.OfCharge(token) ?? throw RequestFields.Wrong("resource_missing", $"No such PaymentMethod: '{token}'.");
    }

    private Entry Create(RequestFields fields, Fate fate)
    {
        var (amount, manual) = (fields.Amount("amount")!.Value, fields.Text("capture_method") == "manual");
        var intent = new Intent
        {
            Id = $"pi_{Guid.CreateVersion7(time.GetUtcNow()):N}",
            Amount = amount,
            AmountReceived = manual || fate.Decline is not null ? 0 : amount,
            Currency = fields.Required("currency").ToLowerInvariant(),
            Status = fate.Decline is not null ? "requires_payment_method" : manual ? "requires_capture" : "succeeded",
            CaptureMethod = manual ? "manual" : "automatic",
            PaymentMethod = fields.Required("payment_method"),
            Created = time.GetUtcNow().ToUnixTimeSeconds(),
            Metadata = fields.Metadata(),
            LastPaymentError = fate.Decline is { } reason ? new Failure("card_error", "card_declined", "Your card was declined.") { DeclineCode = reason } : null,
        };
        var entry = Changed(intent, fate.Decline is not null ? "payment_intent.payment_failed" : manual ? "payment_intent.amount_capturable_updated" : "payment_intent.succeeded");
        return intent.LastPaymentError is { } error ? entry with { Status = 402, Error = error with { PaymentIntent = intent } } : entry;
    }

    private Entry Changed(Intent intent, string type) => webhooks.Announced(new Entry { Intent = intent, Status = 200 }, type);

    private Intent Find(HttpContext context) => ledger.FindIntent((string)context.Request.RouteValues["id"]!)
        ?? throw new RefusedException(404, new Failure("invalid_request_error", "resource_missing", $"No such payment_intent: '{context.Request.RouteValues["id"]}'."));
}
