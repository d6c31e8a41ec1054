using Rez.Orders;
using Rez.Payments;
using Rez.Payments.Provider;
using Rez.Tests.Orders;
using Tenfold.Jobs;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Payments;

public sealed class RefundTests(Shop shop)
{
    [Fact]
    public async Task A_paid_order_that_is_cancelled_is_given_back_once()
    {
        using var checkout = await Checkout.NewAsync(shop);
        var (_, payment) = await checkout.PaidAsync("pm_ok");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => checkout.MoveAsync(OrderAction.Cancel)));
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => shop.Service<JobClient>().EnqueueAsync(new RefundPayment(long.Parse(checkout.Order)))));
        await checkout.UntilAsync(payment, "refunded");
        Assert.Equal((1, 1, 0), await checkout.LedgerAsync());
        Assert.Equal(checkout.Cents / 100m, (await checkout.PaymentAsync(payment)).GetProperty("refunded").GetDecimal());
        Assert.Equal("refunded", await checkout.OrderStatusAsync());
    }

    [Fact]
    public async Task A_refund_whose_answer_is_lost_is_asked_for_again_and_made_once()
    {
        using var checkout = await Checkout.NewAsync(shop);
        var (_, payment) = await checkout.PaidAsync("pm_ok");
        using (shop.Provider.Misbehaving(new() { ErrorsCharged = 1, WebhooksLost = 1 }))
        {
            await checkout.MoveAsync(OrderAction.Cancel);
            await checkout.UntilNetAsync(0);
        }

        // It repeats its 500 for that key: its list of refunds tells.
        await shop.Service<JobClient>().EnqueueAsync(new RefundPayment(long.Parse(checkout.Order)));
        await checkout.UntilAsync(payment, "refunded");
        Assert.Equal((1, 1, 0), await checkout.LedgerAsync());
    }

    [Fact]
    public async Task Of_an_order_whose_merchant_cancels_its_part_only_that_part_is_given_back()
    {
        var products = await shop.IdsAsync("SELECT min(id) FROM products WHERE is_active AND id > 5100 GROUP BY merchant_id ORDER BY 1 LIMIT 2");
        using var checkout = await Checkout.NewAsync(shop, [.. products]);
        var (status, payment) = await checkout.PaidAsync("pm_ok");
        Assert.Equal(201, status);
        var parts = await shop.IdsAsync($"SELECT id FROM merchant_orders WHERE order_id = {checkout.Order} ORDER BY id");
        Assert.Equal(2, parts.Count);
        var one = await shop.ScalarAsync<long>($"SELECT total_cents FROM merchant_orders WHERE id = {parts[0]}");
        Assert.Equal(OrderMoveOutcome.Applied, (await checkout.MoveAsync(OrderAction.Cancel, new ShardId(parts[0]))).Outcome);
        await checkout.UntilNetAsync(checkout.Cents - one);
        await checkout.UntilAsync(payment, "succeeded");
        await checkout.MoveAsync(OrderAction.Cancel, new ShardId(parts[1]));
        await checkout.UntilAsync(payment, "refunded");
        Assert.Equal((1, 2, 0), await checkout.LedgerAsync());
    }

    [Fact]
    public async Task A_charge_that_comes_after_its_order_is_gone_is_given_back()
    {
        using var checkout = await Checkout.NewAsync(shop);
        using var _ = shop.Provider.Misbehaving(new() { Slow = 300 });
        var paying = checkout.PaidAsync("pm_slow");
        await shop.UntilAsync(async () => await shop.ScalarAsync<long>($"SELECT count(*) FROM payments WHERE order_id = {checkout.Order}") == 1, () => "it was not begun");
        await checkout.MoveAsync(OrderAction.Cancel);
        var (answer, payment) = await paying;
        Assert.Equal(409, answer);
        await checkout.UntilAsync(payment, "refunded");
        Assert.Equal((1, 1, 0), await checkout.LedgerAsync());
        Assert.Equal("cancelled", await checkout.OrderStatusAsync());
    }

    [Fact]
    public async Task A_charge_that_comes_after_it_was_given_up_is_given_back_and_the_order_is_paid_by_another()
    {
        using var checkout = await Checkout.NewAsync(shop);
        ShardId late;
        using (shop.Provider.Misbehaving(new() { WebhooksLost = 1 }))
        {
            late = (await checkout.PaidAsync("pm_error")).Payment;
            await checkout.AgeAsync(late, TimeSpan.FromHours(1));
            await checkout.UntilAsync(late, "declined");
        }

        using var paid = await checkout.PayAsync("pm_ok");
        Assert.Equal(201, (int)paid.StatusCode);
        // The first request was under way all the time: the provider charges it now, and says so in an event.
        var charged = await shop.Provider.PostAsync("/v1/payment_intents", late.ToString(), [.. SimulatorTests.Charge("pm_ok", checkout.Cents, checkout.Order), ("metadata[payment]", late.ToString())]);
        Assert.Equal(200, charged.Status);
        await checkout.UntilAsync(late, "refunded");
        Assert.Equal((2, 1, checkout.Cents), await checkout.LedgerAsync());
        Assert.Equal("paid", await checkout.OrderStatusAsync());
    }
}
