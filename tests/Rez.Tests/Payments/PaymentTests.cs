using System.Net.Http.Json;
using Commons.Accounts;
using Rez.Orders;
using Rez.Payments;
using Rez.Payments.Provider;
using Rez.Tests.Orders;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Payments;

public sealed class PaymentTests(Shop shop)
{
    [Fact]
    public async Task What_a_buyer_is_told_is_what_was_charged()
    {
        // Method, answer, how it ends, whether it is charged; and whether it is only known when nothing can be under way any more.
        (string Method, int Answer, string End, bool IsCharged, bool IsGivenUp)[] table =
        [
            ("pm_ok", 201, "succeeded", true, false),
            ("pm_declined", 402, "declined", false, false),
            ("pm_unheard_of", 402, "declined", false, false),
            ("pm_timeout", 202, "declined", false, true),
            ("pm_timeout_charged", 202, "succeeded", true, false),
            ("pm_timeout_declined", 202, "declined", false, false),
            ("pm_error", 202, "declined", false, true),
            ("pm_error_charged", 202, "succeeded", true, false),
            ("pm_reset", 202, "declined", false, true),
            ("pm_reset_charged", 201, "succeeded", true, false), // the repetition with the same key is told
        ];
        using var _ = shop.Provider.Misbehaving(new() { WebhooksLost = 1 });
        await Task.WhenAll(table.Select(async row =>
        {
            using var checkout = await Checkout.NewAsync(shop);
            var (answer, payment) = await checkout.PaidAsync(row.Method);
            Assert.Equal((row.Method, row.Answer), (row.Method, answer));
            if (row.IsGivenUp)
            {
                Assert.Contains(await checkout.UntilAsync(payment, "unknown", "processing"), new[] { "unknown", "processing" });
                using var meanwhile = await checkout.PayAsync("pm_ok");
                Assert.Equal((row.Method, 409), (row.Method, (int)meanwhile.StatusCode));
                await checkout.AgeAsync(payment, TimeSpan.FromHours(1));
            }

            await checkout.UntilAsync(payment, row.End);
            Assert.Equal((row.Method, row.IsCharged ? "paid" : "pending"), (row.Method, await checkout.OrderStatusAsync()));
            Assert.Equal((row.Method, row.IsCharged ? (1, 0, checkout.Cents) : (0, 0, 0)), (row.Method, await checkout.LedgerAsync()));
            var shown = await checkout.PaymentAsync(payment);
            Assert.Equal((row.End, checkout.Order, checkout.Cents / 100m), (shown.Status(), shown.GetProperty("orderId").GetString(), shown.GetProperty("amount").GetDecimal()));
        }));
    }

    [Fact]
    public async Task An_order_is_charged_once_however_many_requests_pay_it()
    {
        using var checkout = await Checkout.NewAsync(shop);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            using var response = await checkout.PayAsync("pm_ok");
            return (int)response.StatusCode;
        }));
        Assert.Equal((1, 7), (answers.Count(status => status == 201), answers.Count(status => status == 409)));
        Assert.Equal((1, 0, checkout.Cents), await checkout.LedgerAsync());
        using var later = await checkout.PayAsync("pm_ok");
        Assert.Equal(409, (int)later.StatusCode);
        Assert.Contains("is paid already", await later.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repeated_request_is_the_same_payment_and_its_key_pays_nothing_else()
    {
        using var checkout = await Checkout.NewAsync(shop);
        var key = Buyers.NewKey();
        var ids = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            using var response = await checkout.PayAsync("pm_ok", key);
            Assert.Contains((int)response.StatusCode, new[] { 201, 202 });
            return (await response.DataAsync((int)response.StatusCode)).Id();
        }));
        Assert.Single(ids.Distinct());
        using var again = await checkout.PayAsync("pm_ok", key);
        Assert.Equal(ids[0], (await again.DataAsync(201)).Id());
        Assert.Equal("true", again.Headers.GetValues("Idempotent-Replayed").Single());
        using var other = await checkout.PayAsync("pm_declined", key);
        Assert.Equal(422, (int)other.StatusCode);
        Assert.Equal((1, 0, checkout.Cents), await checkout.LedgerAsync());
    }

    [Fact]
    public async Task A_declined_order_can_be_paid_again_with_a_new_key()
    {
        using var checkout = await Checkout.NewAsync(shop);
        var key = Buyers.NewKey();
        foreach (var _ in Enumerable.Range(0, 2))
        {
            using var declined = await checkout.PayAsync("pm_declined", key);
            Assert.Equal(402, (int)declined.StatusCode);
            Assert.Contains("insufficient_funds", await declined.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        using var paid = await checkout.PayAsync("pm_ok");
        Assert.Equal(201, (int)paid.StatusCode);
        Assert.Equal((1, 0, checkout.Cents), await checkout.LedgerAsync());
    }

    [Fact]
    public async Task Only_the_buyer_can_pay_an_order_and_see_its_payments()
    {
        using var checkout = await Checkout.NewAsync(shop);
        using var other = await shop.LogIn(Access.Customer);
        using var admin = await shop.LogIn(Access.Admin);
        using var foreign = await checkout.PayAsync(other.Http, "pm_ok");
        Assert.Equal(404, (int)foreign.StatusCode);
        using var nobody = await checkout.PayAsync(shop.Http, "pm_ok");
        Assert.Equal(401, (int)nobody.StatusCode);
        var (_, payment) = await checkout.PaidAsync("pm_ok");
        foreach (var (who, status) in new[] { (other.Http, 404), (shop.Http, 401), (admin.Http, 200), (checkout.Buyer.Http, 200) })
        {
            using var response = await who.GetAsync($"/api/payments/{payment}");
            Assert.Equal(status, (int)response.StatusCode);
        }

        foreach (var id in new[] { 1, long.MaxValue })
        {
            using var missing = await admin.Http.GetAsync($"/api/payments/{id}");
            Assert.Equal(404, (int)missing.StatusCode);
        }
    }

    [Theory]
    [InlineData("""{"orderId":7,"method":"pm_ok"}""", "orderId")]
    [InlineData("""{"orderId":"seven","method":"pm_ok"}""", "orderId")]
    [InlineData("""{"orderId":"7"}""", "method")]
    [InlineData("""{"orderId":"7","method":"pm ok"}""", "method")]
    [InlineData("""{"orderId":"7","method":"pm_ok","amount":1}""", "amount")]
    public async Task A_body_that_is_wrong_is_refused_by_field(string body, string field)
    {
        using var buyer = await shop.LogIn(Access.Customer);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/payments") { Content = new StringContent(body, null, "application/json"), Headers = { { "Idempotency-Key", "k" } } };
        using var response = await buyer.Http.SendAsync(request);
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains($"\"{field}\":[", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var keyless = await buyer.Http.PostAsJsonAsync("/api/payments", new { orderId = "7", method = "pm_ok" });
        Assert.Equal(400, (int)keyless.StatusCode);
    }

    [Fact]
    public async Task Orders_that_are_gone_or_late_are_not_charged()
    {
        using var cancelled = await Checkout.NewAsync(shop);
        await cancelled.MoveAsync(OrderAction.Cancel);
        using var gone = await cancelled.PayAsync("pm_ok");
        Assert.Contains("is cancelled", await gone.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var expired = await Checkout.NewAsync(shop);
        await shop.ScalarAsync<int>($"UPDATE orders SET expires_at = now() - interval '1 s' WHERE id = {expired.Order} RETURNING 1");
        using var late = await expired.PayAsync("pm_ok");
        Assert.Equal((409, 409), ((int)gone.StatusCode, (int)late.StatusCode));
        Assert.Equal(((0, 0, 0L), (0, 0, 0L)), (await cancelled.LedgerAsync(), await expired.LedgerAsync()));
    }

    [Fact]
    public async Task Where_the_provider_cannot_be_reached_nothing_is_charged_and_the_same_key_pays_later()
    {
        using var checkout = await Checkout.NewAsync(shop);
        var key = Buyers.NewKey();
        string[] nowhere = ["--Payments:Url=http://127.0.0.1:9", "--Payments:SecretKey=sk", "--Payments:WebhookSecret=whsec", "--Payments:BreakerCalls=2"];
        var (app, http) = await Shop.StartWithAsync(nowhere, shop.ConnectionString);
        await using (app)
        using (http)
        using (var elsewhere = Login.ClientOf(app, checkout.Buyer.Token))
        {
            // The first is refused by the network, later ones by the circuit breaker.
            for (var i = 0; i < 3; i++)
            {
                using var refused = await checkout.PayAsync(elsewhere, "pm_ok", key);
                Assert.Equal(503, (int)refused.StatusCode);
                Assert.True(refused.Headers.Contains("Retry-After"));
            }

            using var products = await http.GetAsync("/api/products");
            Assert.Equal(200, (int)products.StatusCode);
        }

        using var paid = await checkout.PayAsync("pm_ok", key);
        Assert.Equal(201, (int)paid.StatusCode);
        Assert.Equal((1, 0, checkout.Cents), await checkout.LedgerAsync());
    }

    [Fact]
    public async Task A_payment_whose_maker_died_after_the_charge_is_found_at_the_provider()
    {
        // What a killed instance leaves: a row that is processing, and a charge.
        using var _ = shop.Provider.Misbehaving(new() { WebhooksLost = 1 });
        using var checkout = await Checkout.NewAsync(shop);
        var begun = await shop.Service<PaymentTable>().BeginAsync(checkout.Buyer.Identity.User, new ShardId(long.Parse(checkout.Order)), Buyers.NewKey(), [1], TimeSpan.FromMilliseconds(1), null, CancellationToken.None);
        Assert.Equal(Beginning.Begun, begun.Outcome);
        Assert.Equal(ChargeStatus.Succeeded, (await shop.Service<IPaymentProvider>().ChargeAsync(begun.Payment!, "pm_ok", CancellationToken.None)).Status);
        await checkout.UntilAsync(begun.Payment!.Id, "succeeded");
        Assert.Equal("paid", await checkout.OrderStatusAsync());
        Assert.Equal((1, 0, checkout.Cents), await checkout.LedgerAsync());
    }
}
