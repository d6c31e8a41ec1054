using Rez.Orders;
using Rez.Payments;
using Tenfold.Jobs;

namespace Rez.Tests.Payments;

/// <summary>Whatever happens in whatever order: in the end a buyer has paid for an order what its state says.</summary>
public sealed class LedgerPropertyTests(Shop shop)
{
    private static readonly string[] Methods = ["pm_ok", "pm_ok", "pm_slow", "pm_declined", "pm_error", "pm_error_charged", "pm_reset", "pm_reset_charged", "pm_timeout_charged", "pm_late_charged"];

    [Fact]
    public Task After_any_interleaving_an_order_was_charged_its_total_or_nothing_as_its_state_says() => RunAsync(seed: 20261122, orders: 12, steps: 5);

    [Fact]
    [Trait("Suite", "soak")]
    public async Task The_same_for_many()
    {
        for (var round = 0; round < 20; round++)
        {
            await RunAsync(seed: 1000 + round, orders: 24, steps: 9);
        }
    }

    private async Task RunAsync(int seed, int orders, int steps)
    {
        using var _ = shop.Provider.Misbehaving(new() { Seed = seed, Slow = 300, Declines = 0.1, Errors = 0.1, ErrorsCharged = 0.1, Resets = 0.1, WebhooksLost = 0.2, WebhooksTwice = 0.3, WebhooksLate = 0.3, Late = 700 });
        var random = new Random(seed);
        await Task.WhenAll(Enumerable.Range(0, orders).Select(number => OneAsync(random.Next(), steps)));
    }

    private async Task OneAsync(int seed, int steps)
    {
        var random = new Random(seed);
        using var checkout = await Checkout.NewAsync(shop);
        var story = new List<string> { $"order {checkout.Order}, seed {seed}" };
        var under = new List<Task>();
        var keys = new List<(string Key, string Method)>();
        for (var step = 0; step < steps; step++)
        {
            var method = Methods[random.Next(Methods.Length)];
            switch (random.Next(8))
            {
                case 0 when keys.Count > 0:
                    var (key, same) = keys[random.Next(keys.Count)];
                    under.Add(PayAsync(same, key));
                    story.Add($"repeats {same}");
                    break;
                case 1:
                    story.Add($"cancel: {(await checkout.MoveAsync(OrderAction.Cancel)).Outcome}");
                    break;
                case 2:
                    under.Add(shop.Service<JobClient>().EnqueueAsync(new RefundPayment(long.Parse(checkout.Order))));
                    break;
                case 3 when await shop.ScalarAsync<long>($"SELECT count(*) FROM payments WHERE order_id = {checkout.Order}") > 0:
                    story.Add("given up early");
                    await checkout.AgeAsync(await checkout.NewestAsync(), TimeSpan.FromHours(1));
                    break;
                default:
                    keys.Add((Guid.NewGuid().ToString(), method));
                    under.Add(PayAsync(method, keys[^1].Key));
                    story.Add(method);
                    break;
            }

            await Task.Delay(random.Next(60));
        }

        await Task.WhenAll(under);
        await SettleAsync(checkout, story);

        async Task PayAsync(string method, string key)
        {
            using var response = await checkout.PayAsync(method, key);
            lock (story)
            {
                story.Add($"{method}: {(int)response.StatusCode}");
            }
        }
    }

    private async Task SettleAsync(Checkout checkout, List<string> story)
    {
        // Nothing that is under way comes later than this.
        await shop.UntilAsync(
            async () =>
            {
                foreach (var open in await shop.IdsAsync($"SELECT id FROM payments WHERE order_id = {checkout.Order} AND state IN ('processing', 'unknown')"))
                {
                    await checkout.AgeAsync(new(open), TimeSpan.FromHours(1));
                }

                await Task.Delay(100);
                var (status, ledger) = (await checkout.OrderStatusAsync(), await checkout.LedgerAsync());
                return await shop.ScalarAsync<long>($"SELECT count(*) FROM payments WHERE order_id = {checkout.Order} AND state IN ('processing', 'unknown', 'refunding')") == 0
                    && ledger.Net == (status == "paid" ? checkout.Cents : 0);
            },
            () => string.Join("; ", story) + $"; ends {checkout.OrderStatusAsync().Result}, {checkout.LedgerAsync().Result}");
        Assert.Equal(
            await checkout.OrderStatusAsync() == "paid" ? 1 : 0,
            await shop.ScalarAsync<long>($"SELECT count(*) FROM payments WHERE order_id = {checkout.Order} AND state = 'succeeded'"));
    }
}
