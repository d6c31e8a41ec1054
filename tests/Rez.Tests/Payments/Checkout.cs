using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Commons.Accounts;
using Npgsql;
using Rez.Orders;
using Rez.Payments;
using Rez.Tests.Orders;
using Tenfold.Jobs;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Payments;

/// <summary>An order that waits to be paid, and what tests do with it.</summary>
internal sealed class Checkout(Shop shop, Login buyer, string order, long cents) : IDisposable
{
    // Of different merchants: an order of both has two parts.
    private const long Product = 5_001;

    public string Order => order;

    public long Cents => cents;

    public Login Buyer => buyer;

    public static async Task<Checkout> NewAsync(Shop shop, params long[] products)
    {
        products = products.Length == 0 ? [Product] : products;
        foreach (var product in products)
        {
            await shop.ScalarAsync<int>($"UPDATE stock SET available = 10000, received = 10000 + reserved + sold WHERE product_id = {product} RETURNING available");
        }

        var buyer = await shop.LogIn(Access.Customer);
        var placed = await buyer.Http.PlaceAsync([.. products.Select(product => (product, 1))]);
        return new Checkout(shop, buyer, placed.Id(), (long)(placed.GetProperty("total").GetDecimal() * 100));
    }

    public Task<HttpResponseMessage> PayAsync(string method, string? key = null) => PayAsync(buyer.Http, method, key);

    public async Task<HttpResponseMessage> PayAsync(HttpClient http, string method, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/payments") { Content = JsonContent.Create(new { orderId = order, method }) };
        request.Headers.Add("Idempotency-Key", key ?? Buyers.NewKey());
        return await http.SendAsync(request);
    }

    /// <summary>Pays, and the payment's id by the row that is there: some answers do not tell it.</summary>
    public async Task<(int Status, ShardId Payment)> PaidAsync(string method)
    {
        using var response = await PayAsync(method);
        return ((int)response.StatusCode, await NewestAsync());
    }

    public async Task<ShardId> NewestAsync() => new(await shop.ScalarAsync<long>($"SELECT max(id) FROM payments WHERE order_id = {order}"));

    public async Task<JsonElement> PaymentAsync(ShardId id)
    {
        using var response = await buyer.Http.GetAsync($"/api/payments/{id}");
        return await response.DataAsync();
    }

    public Task<string> OrderStatusAsync() => shop.ScalarAsync<string>($"SELECT status FROM orders WHERE id = {order}");

    /// <summary>Waits until the payment is in one of these states.</summary>
    public async Task<string> UntilAsync(ShardId payment, params string[] states)
    {
        var state = "";
        await shop.UntilAsync(
            async () =>
            {
                state = await shop.ScalarAsync<string>($"SELECT state FROM payments WHERE id = {payment}");
                return states.Contains(state);
            },
            () => $"payment {payment} is {state}, not {string.Join(" or ", states)}");
        return state;
    }

    /// <summary>Makes a payment look as old as that, and has it looked after now.</summary>
    public async Task AgeAsync(ShardId payment, TimeSpan age)
    {
        await shop.ScalarAsync<int>($"UPDATE payments SET created_at = now() - interval '{age.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s' WHERE id = {payment} RETURNING 1");
        await LookAsync(payment);
    }

    public Task LookAsync(ShardId payment) => shop.Service<JobClient>().EnqueueAsync(new ReconcilePayment(payment.Value));

    /// <summary>Something happens to the order.</summary>
    public Task<OrderMove> MoveAsync(OrderAction action, ShardId? part = null) => shop.Service<ShardedStore>().WriteAsync(
        new ShardId(long.Parse(order)),
        (write, cancel) => shop.Service<OrderMoves>().ApplyAsync(write, new ShardId(long.Parse(order)), action, "system", cancel, part),
        null,
        CancellationToken.None);

    public Task<(int Charges, int Refunds, long Net)> LedgerAsync() => shop.Provider.LedgerAsync(order);

    /// <summary>Waits until so much is what the buyer has paid in the end.</summary>
    public Task UntilNetAsync(long net)
    {
        (int, int, long Net) ledger = default;
        return shop.UntilAsync(async () => (ledger = await LedgerAsync()).Net == net, () => $"order {order}: {ledger}, not {net}");
    }

    public void Dispose() => buyer.Dispose();
}

internal static class Events
{
    /// <summary>Sends an event as the provider would.</summary>
    /// <param name="http">To whom.</param>
    /// <param name="body">The event.</param>
    /// <param name="signature">Null: the right one.</param>
    public static async Task<int> SendAsync(HttpClient http, string body, string? signature = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/payments/webhooks") { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("Stripe-Signature", signature ?? Sign(body, DateTimeOffset.UtcNow));
        using var response = await http.SendAsync(request);
        return (int)response.StatusCode;
    }

    // Not the simulator's: two implementations of one specification.
    public static string Sign(string body, DateTimeOffset at, string secret = Simulator.WebhookSecret)
    {
        var seconds = at.ToUnixTimeSeconds();
        return $"t={seconds},v1={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes($"{seconds}.{body}")))}";
    }

    public static string Of(string type, ShardId payment, long cents, string status, string? id = null) =>
        $$$"""{"id":"{{{id ?? "evt_" + Guid.NewGuid().ToString("N")}}}","type":"{{{type}}}","data":{"object":{"metadata":{"payment":"{{{payment}}}"},"id":"pi_test","status":"{{{status}}}","amount_received":{{{cents}}},"amount_refunded":{{{cents}}} } } }""";
}
