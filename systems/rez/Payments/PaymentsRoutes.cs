using Commons.Accounts;
using Commons.Http;
using Commons.OpenApi;
using Rez.Payments.Provider;
using Rez.Payments.Webhooks;
using static Commons.OpenApi.CommonParameters;

namespace Rez.Payments;

/// <summary>Paying orders.</summary>
internal static class PaymentsRoutes
{
    private static readonly Operation PayOrderOperation = new(
        "payOrder",
        "Pays an order: charges its total with a payment method. 201 when it is paid. 202 when it is not known yet whether it was charged: ask for the payment until it is. 402 when it was declined, and nothing was charged. An order is charged once, whatever is repeated.",
        typeof(Item<PaymentView>),
        new Parameter("Idempotency-Key", typeof(string), "1 to 200 visible ASCII characters, new ones for each payment. The same key with the same body answers with the same payment as it stands, with another body 422.") { InHeader = true, Required = true })
    { Body = typeof(PaymentRequest), Status = 201, AlsoStatuses = [202], Access = Access.User, Problems = [402, 404, 409, 413, 415, 422] };

    private static readonly Operation GetPaymentOperation = new(
        "getPayment", "A payment: processing, unknown, succeeded, declined, refunding or refunded", typeof(Item<PaymentView>), Id) { Access = Access.User, Problems = [404] };

    private static readonly Operation ReceiveWebhookOperation = new(
        "receivePaymentEvent", "An event of the payment provider, signed with the secret that it shares with rez", typeof(Item<WebhookReceipt>),
        new Parameter("Stripe-Signature", typeof(string), "t=SECONDS,v1=HMAC-SHA256 of the seconds, a dot and the body; at most 5 min old.") { InHeader = true, Required = true })
    { Body = typeof(object), Problems = [413] };

    public static void AddPayments(this IServiceCollection services)
    {
        services.AddSingleton(of => new PaymentSettings(PaymentOptions.Read(of.GetRequiredService<IConfiguration>())));
        services.AddSingleton<IPaymentProvider>(of => of.GetRequiredService<PaymentSettings>().Options is { } options ? new StripeProvider(options, of.GetRequiredService<TimeProvider>()) : new NoProvider());
        services.AddSingleton<PaymentTable>();
        services.AddSingleton<Settlement>();
        services.AddSingleton<PayOrder>();
        services.AddSingleton<GetPayment>();
        services.AddSingleton<ReceiveWebhook>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Add(PaymentsJson.Default));
    }

    public static void MapPayments(this RouteTable routes)
    {
        routes.Map("POST", "/api/payments", routes.Of<PayOrder>().HandleAsync, PayOrderOperation);
        routes.Map("GET", "/api/payments/{id}", routes.Of<GetPayment>().HandleAsync, GetPaymentOperation);
        routes.Map("POST", "/api/payments/webhooks", routes.Of<ReceiveWebhook>().HandleAsync, ReceiveWebhookOperation);
    }
}
