using Commons.Accounts;
using Commons.Http;
using Commons.Idempotency;
using Rez.Payments.Provider;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Postgres.Shards;

namespace Rez.Payments;

/// <summary>
/// <c>POST /api/payments</c>. The payment is written, then the provider is asked, then what it says is written with the order. Whoever dies in
/// between leaves a payment that <see cref="ReconcilePayment"/> looks after.
/// </summary>
internal sealed class PayOrder(PaymentTable payments, Settlement settlement, IPaymentProvider provider, PaymentSettings settings)
{
    public async Task HandleAsync(HttpContext context)
    {
        var user = context.Identity().User;
        if (!await new QueryParameters(context).AnswerErrorsAsync(context)
            || await BoundedBody.ReadAsync(context) is not { } body
            || await IdempotencyHeader.ReadAsync(context, user, "payOrder", body, default) is not { } repeatable
            || await JsonBody.ReadAsync(context, PaymentsJson.Default.PaymentRequest, "payment", request => request.Errors()) is not { } request)
        {
            return;
        }

        // The payment itself is what its key is kept with: a repeated request is told how it stands, not how it stood.
        var (order, key, fingerprint) = (new ShardId(long.Parse(request.OrderId!)), repeatable.Key, repeatable.BodyHash);
        var begun = order.Bucket != user.Bucket ? new Begun(Beginning.NoOrder)
            : provider.Refusal is null ? await payments.BeginAsync(user, order, key, fingerprint, settings.LookAfter, context.Caller(), context.RequestAborted)
            : await payments.FindByKeyAsync(user, key, fingerprint, context.RequestAborted);
        switch (begun)
        {
            case null:
                await NotNowAsync(context, provider.Refusal ?? "the payment provider does not answer");
                break;
            case { Outcome: Beginning.Begun, Payment: { } payment }:
                await ChargeAsync(context, payment, request.Method!);
                break;
            case { Outcome: Beginning.Repeated, Payment: { } payment }:
                context.Response.Headers["Idempotent-Replayed"] = "true";
                await AnswerAsync(context, payment);
                break;
            default:
                await RefuseAsync(context, begun, order);
                break;
        }
    }

    private async Task ChargeAsync(HttpContext context, Payment payment, string method)
    {
        // From here on the money may move: whether the client waits for it or not, it is brought to its end.
        var said = await provider.ChargeAsync(payment, method, CancellationToken.None);
        var settled = await settlement.ChargedAsync(payment.Id, said, null, context.Caller(), CancellationToken.None) ?? payment;
        await (said.Status == ChargeStatus.NotSent && settled.State == PaymentState.Declined ? NotNowAsync(context, said.Problem!) : AnswerAsync(context, settled));
    }

    /// <summary>A payment as it stands, also when its request is repeated.</summary>
    private static Task AnswerAsync(HttpContext context, Payment payment)
    {
        switch (payment.State)
        {
            case PaymentState.Declined:
                return Problem.WriteAsync(
                    context, StatusCodes.Status402PaymentRequired, $"Payment {payment.Id} was declined: {payment.Problem}. Nothing was charged; order {payment.Order} can be paid again, with another method and a new Idempotency-Key.");
            case PaymentState.Refunding or PaymentState.Refunded when payment.RefundCents == payment.AmountCents:
                return Problem.WriteAsync(
                    context, StatusCodes.Status409Conflict, $"Payment {payment.Id} {(payment.State == PaymentState.Refunded ? "was" : "is being")} given back: {payment.Problem ?? $"order {payment.Order} was refunded"}.");
            case PaymentState.Processing or PaymentState.Unknown:
                context.Response.Headers.Location = $"/api/payments/{payment.Id}";
                context.Response.Headers.RetryAfter = "1";
                return PaymentView.AnswerAsync(context, StatusCodes.Status202Accepted, payment);
            default:
                context.Response.Headers.Location = $"/api/payments/{payment.Id}";
                return PaymentView.AnswerAsync(context, StatusCodes.Status201Created, payment);
        }
    }

    private static Task RefuseAsync(HttpContext context, Begun begun, ShardId order) => begun.Outcome switch
    {
        Beginning.NoOrder => Problem.WriteAsync(context, StatusCodes.Status404NotFound, $"There is no order {order}."),
        Beginning.OtherRequest => Problem.WriteAsync(
            context, StatusCodes.Status422UnprocessableEntity, $"This Idempotency-Key came with another body before, for payment {begun.Payment!.Id} of order {begun.Payment.Order}: send a new key for a new payment."),
        Beginning.Busy when begun.Payment!.State == PaymentState.Succeeded => Problem.WriteAsync(context, StatusCodes.Status409Conflict, $"Order {order} is paid already, by payment {begun.Payment.Id}."),
        Beginning.Busy => Problem.WriteAsync(
            context, StatusCodes.Status409Conflict, $"Payment {begun.Payment!.Id} of order {order} is {Payment.Text(begun.Payment.State)}: wait until it is known whether it was charged (GET /api/payments/{begun.Payment.Id})."),
        Beginning.NotPending => Problem.WriteAsync(context, StatusCodes.Status409Conflict, $"Order {order} is {begun.OrderStatus}: only pending orders can be paid."),
        _ => Problem.WriteAsync(context, StatusCodes.Status409Conflict, $"Order {order} was not paid in time: place it again."),
    };

    private static Task NotNowAsync(HttpContext context, string why)
    {
        context.Response.Headers.RetryAfter = "5";
        return Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"Nothing can be paid now: {why}. Nothing was charged; the same request may be repeated.");
    }
}

/// <summary><c>GET /api/payments/{id}</c>: the user's own; administrators see all.</summary>
internal sealed class GetPayment(PaymentTable payments, ShardedStore store)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "payment") is not { } id || !await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        var who = context.Identity();
        var known = new ShardId(id).Bucket < store.Map.Scheme.Count;
        await (known && await payments.FindAsync(new ShardId(id), context.Caller(), context.RequestAborted) is { } payment && (payment.User == who.User || who.Role == Access.Admin)
            ? PaymentView.AnswerAsync(context, StatusCodes.Status200OK, payment)
            : ItemReply.NotFoundAsync(context, "payment"));
    }
}
