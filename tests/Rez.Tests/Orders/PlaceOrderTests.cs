using System.Net;
using Commons.Accounts;
using Commons.Idempotency;
using Rez.Orders;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Orders;

public sealed class PlaceOrderTests(Shop shop)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_order_holds_its_products_at_the_price_of_that_moment()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var product = await shop.ProductAsync(3001);
        var before = await StockAsync(3001);
        using var response = await buyer.Http.OrderAsync((3001, 2), (3002, 1));
        var order = await response.DataAsync(201);
        Assert.Equal($"/api/orders/{order.Id()}", response.Headers.Location!.OriginalString);
        Assert.Equal("pending", order.Status());
        var line = order.GetProperty("lines").EnumerateArray().Single(line => line.GetProperty("productId").GetInt64() == 3001);
        Assert.Equal((2, product.Price, product.Name), (line.GetProperty("quantity").GetInt32(), line.GetProperty("price").GetDecimal(), line.GetProperty("name").GetString()));
        Assert.Equal(order.GetProperty("lines").EnumerateArray().Sum(line => line.GetProperty("quantity").GetInt32() * line.GetProperty("price").GetDecimal()), order.GetProperty("total").GetDecimal());
        Assert.Equal(order.GetProperty("lines").EnumerateArray().Select(line => line.GetProperty("merchantId").GetInt32()).Distinct().Order(), order.GetProperty("merchantOrders").EnumerateArray().Select(part => part.GetProperty("merchantId").GetInt32()));
        Assert.Equal((before.Available - 2, before.Reserved + 2, before.Sold), await StockAsync(3001));
    }

    [Fact]
    public async Task Of_many_buyers_of_the_last_units_exactly_as_many_get_one()
    {
        const int Left = 5;
        await shop.ScalarAsync<int>($"UPDATE stock SET available = {Left}, received = {Left} + reserved + sold WHERE product_id = 3003 RETURNING available");
        var before = await StockAsync(3003);
        var buyers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => shop.LogIn(Access.Customer)));
        var answers = await Task.WhenAll(Enumerable.Range(0, 18).Select(async i =>
        {
            using var response = await buyers[i % buyers.Length].Http.OrderAsync((3003, 1));
            return (response.StatusCode, Text: await response.Content.ReadAsStringAsync());
        }));
        Assert.Equal(Left, answers.Count(answer => answer.StatusCode == HttpStatusCode.Created));
        Assert.All(answers.Where(answer => answer.StatusCode != HttpStatusCode.Created), answer => Assert.Equal((HttpStatusCode.Conflict, true), (answer.StatusCode, answer.Text.Contains("is sold out", StringComparison.Ordinal))));
        Assert.Equal((0, before.Reserved + Left, before.Sold), await StockAsync(3003));
    }

    [Fact]
    public async Task An_order_that_cannot_be_had_as_a_whole_holds_nothing_and_its_key_may_be_used_again()
    {
        var buyer = await shop.LogIn(Access.Customer);
        await shop.ScalarAsync<int>("UPDATE stock SET available = 3, received = 3 + reserved + sold WHERE product_id = 3005 RETURNING available");
        var (one, other) = (await StockAsync(3004), await StockAsync(3005));
        var key = Buyers.NewKey();
        using (var refused = await buyer.Http.OrderAsync(key, Buyers.Body((3004, 1), (3005, 4))))
        {
            Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
            Assert.Contains("product 3005 has 3 left, 4 were wanted", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Assert.Equal((one, other), (await StockAsync(3004), await StockAsync(3005)));
        using var placed = await buyer.Http.OrderAsync(key, Buyers.Body((3004, 1), (3005, 3)));
        Assert.Equal(HttpStatusCode.Created, placed.StatusCode);
        using var unknown = await buyer.Http.OrderAsync((3004, 1), (99_999_999, 1));
        Assert.Contains("product 99999999 is not offered", await unknown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal((one.Available - 1, one.Reserved + 1, one.Sold), await StockAsync(3004));
    }

    [Fact]
    public async Task The_same_request_again_has_the_same_answer_and_no_other_effect()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var before = await StockAsync(3006);
        var key = Buyers.NewKey();
        using var first = await buyer.Http.OrderAsync(key, Buyers.Body((3006, 1)));
        using var second = await buyer.Http.OrderAsync(key, Buyers.Body((3006, 1)));
        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.Created), (first.StatusCode, second.StatusCode));
        Assert.Equal(await first.Content.ReadAsStringAsync(), await second.Content.ReadAsStringAsync());
        Assert.True(second.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal((before.Available - 1, before.Reserved + 1, before.Sold), await StockAsync(3006));

        using var changed = await buyer.Http.OrderAsync(key, Buyers.Body((3006, 2)));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, changed.StatusCode);
        var another = await shop.LogIn(Access.Customer);
        using var theirs = await another.Http.OrderAsync(key, Buyers.Body((3006, 1)));
        Assert.NotEqual((await first.DataAsync(201)).Id(), (await theirs.DataAsync(201)).Id());
    }

    [Fact]
    public async Task Of_the_same_request_many_times_at_once_one_is_carried_out()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var before = await StockAsync(3007);
        var key = Buyers.NewKey();
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ =>
        {
            using var response = await buyer.Http.OrderAsync(key, Buyers.Body((3007, 1)));
            return (response.StatusCode, Text: await response.Content.ReadAsStringAsync());
        }));
        Assert.All(answers, answer => Assert.True(answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.Conflict, answer.Text));
        Assert.Single(answers.Where(answer => answer.StatusCode == HttpStatusCode.Created).Select(answer => answer.Text).Distinct());
        Assert.Equal((before.Available - 1, before.Reserved + 1, before.Sold), await StockAsync(3007));
    }

    [Fact]
    public async Task An_attempt_that_was_silent_for_too_long_is_taken_over_and_can_no_longer_end()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var (keys, orders, store) = (shop.Service<IdempotencyKeys>(), shop.Service<OrderTable>(), shop.Service<ShardedStore>());
        var body = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(Buyers.Body((3008, 1)));
        var slow = new IdempotentRequest(buyer.Identity.User, OrderTable.Placing, Buyers.NewKey(), System.Security.Cryptography.SHA256.HashData(body), store.NewId(buyer.Identity.User));
        var claim = await keys.ClaimAsync(slow, Cancel);
        Assert.Equal(ClaimOutcome.Claimed, claim.Outcome);

        using (var early = await buyer.Http.OrderAsync(slow.Key, Buyers.Body((3008, 1))))
        {
            Assert.Equal((HttpStatusCode.Conflict, "1"), (early.StatusCode, early.Headers.RetryAfter!.ToString()));
        }

        await shop.ScalarAsync<long>($"UPDATE idempotency_keys SET claimed_at = now() - interval '31 seconds' WHERE key = '{slow.Key}' RETURNING attempt");
        using var retried = await buyer.Http.OrderAsync(slow.Key, Buyers.Body((3008, 1)));
        var placed = await retried.DataAsync(201);
        var late = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => orders.PlaceAsync(slow, new NewOrder("Ada", [new OrderLine(3008, 1, 1, 100, "x")], claim.At, claim.At.AddMinutes(15)), null, Cancel));
        Assert.Equal(IdempotencyKeys.TakenOver, late.SqlState);
        await keys.FreeAsync(slow, Cancel);
        Assert.Equal([long.Parse(placed.Id(), null)], await shop.IdsAsync($"SELECT id FROM orders WHERE user_id = {buyer.Identity.User}"));
    }

    [Fact]
    public async Task An_order_is_not_written_for_a_hold_that_is_about_to_end()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var request = new IdempotentRequest(buyer.Identity.User, OrderTable.Placing, Buyers.NewKey(), [1], shop.Service<ShardedStore>().NewId(buyer.Identity.User));
        var claim = await shop.Service<IdempotencyKeys>().ClaimAsync(request, Cancel);
        var late = await Assert.ThrowsAsync<Npgsql.PostgresException>(
            () => shop.Service<OrderTable>().PlaceAsync(request, new NewOrder("Ada", [new OrderLine(3009, 1, 1, 100, "x")], claim.At, claim.At.AddSeconds(59)), null, Cancel));
        Assert.Equal(OrderTable.TooLate, late.SqlState);
    }

    [Theory]
    [InlineData("""{"items":[{"productId":1,"quantity":0}],"shipTo":"A"}""", "items[0]")]
    [InlineData("""{"items":[{"productId":1,"quantity":100}],"shipTo":"A"}""", "items[0]")]
    [InlineData("""{"items":[{"productId":1,"quantity":1},{"productId":1,"quantity":1}],"shipTo":"A"}""", "items[1]")]
    [InlineData("""{"items":[],"shipTo":"A"}""", "items")]
    [InlineData("""{"items":[{"productId":1,"quantity":1}],"shipTo":" "}""", "shipTo")]
    [InlineData("""{"items":[{"productId":1,"quantity":1}]}""", "body")]
    [InlineData("""{"items":[{"productId":1,"quantity":1}],"shipTo":"A","price":1}""", "price")]
    public async Task What_cannot_be_ordered_is_refused_by_field(string body, string field)
    {
        var buyer = await shop.LogIn(Access.Customer);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/orders") { Content = new StringContent(body, null, "application/json") };
        request.Headers.Add("Idempotency-Key", Buyers.NewKey());
        using var response = await buyer.Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.BadRequest && text.Contains($"\"{field}\":[", StringComparison.Ordinal), text);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("has space")]
    public async Task A_request_without_a_key_is_refused(string? key)
    {
        var buyer = await shop.LogIn(Access.Customer);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/orders") { Content = System.Net.Http.Json.JsonContent.Create(Buyers.Body((1, 1))) };
        if (key is not null)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        }

        using var response = await buyer.Http.SendAsync(request);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Nobody_orders_without_logging_in()
    {
        using var response = await shop.Http.OrderAsync((1, 1));
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    private async Task<(int Available, int Reserved, long Sold)> StockAsync(long product)
    {
        await using var command = shop.Database.CreateCommand($"SELECT available, reserved, sold FROM stock WHERE product_id = {product}");
        await using var row = await command.ExecuteReaderAsync(Cancel);
        await row.ReadAsync(Cancel);
        return (row.GetInt32(0), row.GetInt32(1), row.GetInt64(2));
    }
}
