using Rez.Payments.Webhooks;
using Rez.Tests.Orders;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Payments;

public sealed class WebhookTests(Shop shop)
{
    [Fact]
    public async Task An_event_tells_what_no_answer_has_told()
    {
        using var checkout = await Checkout.NewAsync(shop);
        // The provider's event comes while the request still waits for its answer, which never comes.
        var (status, payment) = await checkout.PaidAsync("pm_timeout_charged");
        Assert.Equal(201, status);
        Assert.Equal("succeeded", (await checkout.PaymentAsync(payment)).Status());
        Assert.Equal((1, 0, checkout.Cents), await checkout.LedgerAsync());
    }

    [Fact]
    public async Task Events_twice_late_and_out_of_order_change_nothing_that_is_known()
    {
        using var checkout = await Checkout.NewAsync(shop);
        var (_, payment) = await checkout.PaidAsync("pm_ok");
        var before = await shop.ScalarAsync<string>($"SELECT (payments.*)::text FROM payments WHERE id = {payment}");
        var twice = Events.Of("payment_intent.succeeded", payment, checkout.Cents, "succeeded");
        string[] bodies = [twice, twice, Events.Of("payment_intent.payment_failed", payment, 0, "requires_payment_method"), Events.Of("charge.refunded", payment, 0, ""), Events.Of("invoice.paid", payment, 1, "paid")];
        foreach (var status in await Task.WhenAll(bodies.Select(body => Events.SendAsync(shop.Http, body))))
        {
            Assert.Equal(200, status);
        }

        Assert.Equal(before, await shop.ScalarAsync<string>($"SELECT (payments.*)::text FROM payments WHERE id = {payment}"));
        Assert.Equal("paid", await checkout.OrderStatusAsync());
        Assert.Equal(1, await shop.ScalarAsync<long>($"SELECT count(*) FROM order_events WHERE order_id = {checkout.Order} AND kind = 'order.paid'"));
        Assert.Equal(1, await shop.ScalarAsync<long>($"SELECT count(*) FROM payment_notices WHERE payment_id = {payment} AND id = '{System.Text.Json.JsonDocument.Parse(twice).RootElement.Id()}'"));
    }

    [Fact]
    public async Task An_event_of_another_amount_pays_nothing()
    {
        using var _ = shop.Provider.Misbehaving(new() { WebhooksLost = 1 });
        using var checkout = await Checkout.NewAsync(shop);
        var (_, payment) = await checkout.PaidAsync("pm_error");
        Assert.Equal(200, await Events.SendAsync(shop.Http, Events.Of("payment_intent.succeeded", payment, checkout.Cents - 1, "succeeded")));
        Assert.Equal("pending", await checkout.OrderStatusAsync());
        await checkout.AgeAsync(payment, TimeSpan.FromHours(1));
        await checkout.UntilAsync(payment, "declined");
    }

    [Fact]
    public async Task What_was_given_back_at_the_provider_is_noted()
    {
        using var checkout = await Checkout.NewAsync(shop);
        var (_, payment) = await checkout.PaidAsync("pm_ok");
        Assert.Equal(200, await Events.SendAsync(shop.Http, Events.Of("charge.refunded", payment, 1, "")));
        var shown = await checkout.PaymentAsync(payment);
        Assert.Equal(("succeeded", 0.01m), (shown.Status(), shown.GetProperty("refunded").GetDecimal()));
    }

    [Fact]
    public async Task Events_that_the_provider_has_not_signed_just_now_are_refused()
    {
        using var _ = shop.Provider.Misbehaving(new() { WebhooksLost = 1 });
        using var checkout = await Checkout.NewAsync(shop);
        var (_, payment) = await checkout.PaidAsync("pm_error");
        var body = Events.Of("payment_intent.succeeded", payment, checkout.Cents, "succeeded");
        var now = DateTimeOffset.UtcNow;
        foreach (var signature in new[]
                 {
                     "", "nonsense", "t=1", Events.Sign(body, now, "whsec_other"), Events.Sign(body + " ", now), Events.Sign(body, now - TimeSpan.FromMinutes(6)), Events.Sign(body, now + TimeSpan.FromMinutes(6)),
                     Events.Sign(body, now - TimeSpan.FromMinutes(6)).Replace($"t={(now - TimeSpan.FromMinutes(6)).ToUnixTimeSeconds()}", $"t={now.ToUnixTimeSeconds()}", StringComparison.Ordinal),
                 })
        {
            Assert.Equal((signature, 400), (signature, await Events.SendAsync(shop.Http, body, signature)));
        }

        Assert.Equal("pending", await checkout.OrderStatusAsync());
        Assert.Equal(400, await Events.SendAsync(shop.Http, "no JSON"));
        Assert.Equal(400, await Events.SendAsync(shop.Http, "{}"));
        Assert.Equal(200, await Events.SendAsync(shop.Http, Events.Of("payment_intent.succeeded", new ShardId(long.MaxValue), 1, "succeeded"))); // nobody's
        // While a secret is changed there are two signatures.
        Assert.Equal(200, await Events.SendAsync(shop.Http, body, Events.Sign(body, now) + ",v1=00"));
        Assert.Equal("paid", await checkout.OrderStatusAsync());
        await shop.ScalarAsync<int>($"UPDATE orders SET status = 'cancelled' WHERE id = {checkout.Order} RETURNING 1"); // nothing was charged for it
    }

    [Fact]
    public void The_newest_and_the_oldest_signature_that_count_are_five_minutes_away()
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
        foreach (var (seconds, isTaken) in new[] { (-301, false), (-300, true), (0, true), (300, true), (301, false) })
        {
            Assert.Equal(isTaken, WebhookSignature.Problem(Events.Sign("{}", now.AddSeconds(seconds), "s"), "{}"u8, "s", now) is null);
        }
    }
}
