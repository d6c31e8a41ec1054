namespace PaymentSimulator;

/// <summary><c>/v1/refunds</c>.</summary>
internal sealed class Refunds(Requests requests, Ledger ledger, Fates fates, Webhooks webhooks, TimeProvider time)
{
    /// <summary><c>POST</c>: gives back what was charged, or the part of it that <c>amount</c> says; never more than was taken.</summary>
    public Task CreateAsync(HttpContext context) => requests.ChangeAsync(
        context,
        fields =>
        {
            _ = (fields.Required("payment_intent"), fields.Amount("amount"), fields.Text("reason"), fields.Metadata());
            return fates.OfRefund();
        },
        (fields, _) => Create(fields));

    /// <summary><c>GET ?payment_intent=…</c>: what was given back of it.</summary>
    public Task ListAsync(HttpContext context) => context.Request.Query["payment_intent"] is [{ Length: > 0 } id]
        ? Requests.AnswerAsync(context, 200, new RefundList("list", ledger.FindRefunds(id), HasMore: false), SimulatorJson.Default.RefundList)
        : throw RequestFields.Wrong("parameter_missing", "Missing required param: payment_intent.");

    private Entry Create(RequestFields fields)
    {
        var id = fields.Required("payment_intent");
        var intent = ledger.FindIntent(id) ?? throw new RefusedException(404, new Failure("invalid_request_error", "resource_missing", $"No such payment_intent: '{id}'."));
        var left = intent.AmountReceived - intent.AmountRefunded;
        if (left == 0)
        {
            throw intent.AmountReceived == 0
                ? RequestFields.Wrong("payment_intent_unexpected_state", $"{id} is {intent.Status}: nothing was charged.")
                : RequestFields.Wrong("charge_already_refunded", $"{id} has already been refunded.");
        }

        var amount = fields.Amount("amount") ?? left;
        if (amount > left)
        {
            throw RequestFields.Wrong("amount_too_large", $"amount is {amount} cents; {left} are left of {id}.");
        }

        var refund = new Refund
        {
            Id = $"re_{Guid.CreateVersion7(time.GetUtcNow()):N}",
            Amount = amount,
            Currency = intent.Currency,
            PaymentIntent = id,
            Created = time.GetUtcNow().ToUnixTimeSeconds(),
            Metadata = fields.Metadata(),
        };
        return webhooks.Announced(new Entry { Intent = intent with { AmountRefunded = intent.AmountRefunded + amount }, Refund = refund, Status = 200 }, "charge.refunded");
    }
}
