using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Commons.Accounts;
using Rez.Orders;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Orders;

/// <summary>What becomes of an order that was placed.</summary>
public sealed class OrderLifeTests(Shop shop)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_order_is_shown_to_its_buyer_and_to_administrators_and_to_nobody_else()
    {
        var (buyer, other, admin) = (await shop.LogIn(Access.Customer), await shop.LogIn(Access.Customer), await shop.LogIn(Access.Admin));
        var placed = await buyer.Http.PlaceAsync((3201, 1), (3202, 2));
        var path = $"/api/orders/{placed.Id()}";
        Assert.Equal(placed.GetRawText(), (await GetAsync(buyer.Http, path)).GetRawText());
        Assert.Equal(placed.Id(), (await GetAsync(admin.Http, path)).Id());
        Assert.Equal("order.placed", placed.GetProperty("history")[0].GetProperty("event").GetString());
        foreach (var (http, method, suffix) in new[] { (other.Http, HttpMethod.Get, ""), (other.Http, HttpMethod.Get, "/events"), (other.Http, HttpMethod.Post, "/cancel"), (buyer.Http, HttpMethod.Get, "0") })
        {
            using var refused = await http.SendAsync(new HttpRequestMessage(method, path + suffix), Cancel);
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        }
    }

    [Fact]
    public async Task Orders_are_listed_page_by_page_the_newest_first()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var placed = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            placed.Insert(0, (await buyer.Http.PlaceAsync((3203, 1))).Id());
        }

        await MoveAsync(buyer.Http, $"orders/{placed[2]}/cancel");
        Assert.Equal(placed, await WalkAsync(buyer.Http, "/api/orders?limit=2"));
        Assert.Equal([placed[2]], await WalkAsync(buyer.Http, "/api/orders?status=cancelled"));
        var admin = await shop.LogIn(Access.Admin);
        Assert.Equal(placed, (await WalkAsync(admin.Http, "/api/admin/orders?limit=100")).Where(placed.Contains));
        Assert.Contains(placed[2], await WalkAsync(admin.Http, "/api/admin/orders?limit=100&status=cancelled"));
    }

    [Fact]
    public async Task A_cancelled_order_gives_its_products_back_and_may_be_cancelled_again()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var before = await StockAsync(3204);
        var order = await buyer.Http.PlaceAsync((3204, 3));
        Assert.Equal("cancelled", (await MoveAsync(buyer.Http, $"orders/{order.Id()}/cancel")).Status());
        Assert.Equal("cancelled", (await MoveAsync(buyer.Http, $"orders/{order.Id()}/cancel")).Status());
        await UntilAsync(async () => await StockAsync(3204) == before);
        Assert.Equal(2, (await GetAsync(buyer.Http, $"/api/orders/{order.Id()}")).GetProperty("history").GetArrayLength());
        Assert.Equal(OrderMoveOutcome.Refused, (await ApplyAsync(order, OrderAction.Pay)).Outcome);
    }

    [Fact]
    public async Task A_paid_order_is_sold_shipped_by_each_merchant_and_delivered()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var before = await StockAsync(3205);
        var order = await buyer.Http.PlaceAsync((3205, 1), (await OfAnotherMerchantAsync(3205), 1));
        var parts = order.GetProperty("merchantOrders").EnumerateArray().Select(part => (Id: part.Id(), Merchant: part.GetProperty("merchantId").GetInt64())).ToArray();
        Assert.Equal(2, parts.Length);
        var staff = await Task.WhenAll(parts.Select(part => shop.LogIn(Access.Merchant, part.Merchant)));
        await RefuseAsync(staff[0].Http, $"merchant-orders/{parts[0].Id}/ship", HttpStatusCode.Conflict); // not paid

        Assert.Equal((OrderMoveOutcome.Applied, OrderStatus.Paid), await PayAsync(order));
        Assert.Equal((OrderMoveOutcome.Already, OrderStatus.Paid), await PayAsync(order));
        await UntilAsync(async () => await StockAsync(3205) == (before.Available - 1, before.Reserved, before.Sold + 1));

        await RefuseAsync(staff[1].Http, $"merchant-orders/{parts[0].Id}/ship", HttpStatusCode.NotFound); // not theirs
        Assert.Equal("shipped", (await MoveAsync(staff[0].Http, $"merchant-orders/{parts[0].Id}/ship")).Status());
        Assert.Equal("paid", (await GetAsync(buyer.Http, $"/api/orders/{order.Id()}")).Status());
        await RefuseAsync(buyer.Http, $"orders/{order.Id()}/cancel", HttpStatusCode.Conflict); // a part is on its way
        await MoveAsync(staff[1].Http, $"merchant-orders/{parts[1].Id}/ship");
        Assert.Equal("shipped", (await GetAsync(buyer.Http, $"/api/orders/{order.Id()}")).Status());
        Assert.Contains(parts[1].Id, await WalkAsync(staff[1].Http, $"/api/merchants/{parts[1].Merchant}/orders?status=shipped"));
        await RefuseAsync(staff[1].Http, $"merchants/{parts[0].Merchant}/orders", HttpStatusCode.NotFound, HttpMethod.Get);
        foreach (var (part, index) in parts.Select((part, index) => (part, index)))
        {
            await MoveAsync(staff[index].Http, $"merchant-orders/{part.Id}/deliver");
        }

        var delivered = await GetAsync(buyer.Http, $"/api/orders/{order.Id()}");
        Assert.Equal("delivered", delivered.Status());
        Assert.Equal(
            ["order.placed", "order.paid", "order.shipped", "order.shipped", "order.delivered", "order.delivered"],
            delivered.GetProperty("history").EnumerateArray().Select(happened => happened.GetProperty("event").GetString()));
        Assert.Equal(2L, await shop.ScalarAsync<long>($"SELECT count(*) FROM audit_log WHERE subject = 'merchant-order:{parts[0].Id}'"));
    }

    [Fact]
    public async Task A_paid_order_that_is_cancelled_is_refunded_and_goes_back_to_the_stock()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var before = await StockAsync(3206);
        var order = await buyer.Http.PlaceAsync((3206, 2));
        await PayAsync(order);
        Assert.Equal("refunded", (await MoveAsync(buyer.Http, $"orders/{order.Id()}/cancel")).Status());
        await UntilAsync(async () => await StockAsync(3206) == before);
        Assert.Equal(1L, await shop.ScalarAsync<long>(
            $"SELECT (SELECT count(*) FROM tenfold.jobs WHERE kind = 'payments.refund' AND payload::text LIKE '%{order.Id()}%') + (SELECT count(*) FROM tenfold.jobs_running WHERE kind = 'payments.refund' AND payload::text LIKE '%{order.Id()}%') + (SELECT count(*) FROM tenfold.jobs_ended WHERE kind = 'payments.refund' AND payload::text LIKE '%{order.Id()}%')"));
    }

    [Fact]
    public async Task An_administrator_refunds_what_was_shipped_and_it_does_not_come_back()
    {
        var (buyer, admin) = (await shop.LogIn(Access.Customer), await shop.LogIn(Access.Admin));
        var before = await StockAsync(3207);
        var order = await buyer.Http.PlaceAsync((3207, 1));
        await RefuseAsync(admin.Http, $"admin/orders/{order.Id()}/refund", HttpStatusCode.Conflict); // nothing was paid
        await PayAsync(order);
        await MoveAsync(admin.Http, $"merchant-orders/{order.GetProperty("merchantOrders")[0].Id()}/ship");
        await RefuseAsync(buyer.Http, $"admin/orders/{order.Id()}/refund", HttpStatusCode.Forbidden);
        Assert.Equal("refunded", (await MoveAsync(admin.Http, $"admin/orders/{order.Id()}/refund")).Status());
        await UntilAsync(async () => await StockAsync(3207) == (before.Available - 1, before.Reserved, before.Sold + 1));
        Assert.Equal(1L, await shop.ScalarAsync<long>($"SELECT count(*) FROM audit_log WHERE subject = 'order:{order.Id()}' AND action = 'order.refund'"));
    }

    [Fact]
    public async Task An_order_that_is_not_paid_in_time_is_cancelled_unless_it_is_being_paid()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var before = (await StockAsync(3208), await StockAsync(3209));
        var (late, paying) = (await buyer.Http.PlaceAsync((3208, 1)), await buyer.Http.PlaceAsync((3209, 1)));
        await shop.ScalarAsync<long>($"INSERT INTO payments (bucket_id, id, order_id, user_id, amount_cents, fingerprint) SELECT bucket_id, {shop.Service<ShardedStore>().NewId(buyer.Identity.User)}, id, user_id, total_cents, '' FROM orders WHERE id = {paying.Id()} RETURNING id");
        await shop.IdsAsync($"UPDATE orders SET expires_at = now() - interval '1 second' WHERE id IN ({late.Id()}, {paying.Id()}) RETURNING id");
        await shop.IdsAsync($"UPDATE stock_holds SET expires_at = now() - interval '1 second' WHERE order_id IN ({late.Id()}, {paying.Id()}) RETURNING order_id");
        var sweeper = shop.Service<OrderSweeper>();
        while (await sweeper.ExpireAsync(Cancel) > 0)
        {
        }

        while (await sweeper.ReleaseAsync(Cancel) > 0)
        {
        }

        Assert.Equal("cancelled", (await GetAsync(buyer.Http, $"/api/orders/{late.Id()}")).Status());
        Assert.Equal("pending", (await GetAsync(buyer.Http, $"/api/orders/{paying.Id()}")).Status());
        await UntilAsync(async () => await StockAsync(3208) == before.Item1);
        Assert.Equal((before.Item2.Available - 1, before.Item2.Reserved + 1, before.Item2.Sold), await StockAsync(3209));
        Assert.Equal((OrderMoveOutcome.Applied, OrderStatus.Paid), await PayAsync(paying)); // it comes through after all
    }

    [Fact]
    public async Task Of_a_payment_and_an_expiry_at_the_same_time_one_happens()
    {
        var buyer = await shop.LogIn(Access.Customer);
        for (var i = 0; i < 5; i++)
        {
            var before = await StockAsync(3210);
            var order = await buyer.Http.PlaceAsync((3210, 1));
            await shop.IdsAsync($"UPDATE orders SET expires_at = now() - interval '1 second' WHERE id = {order.Id()} RETURNING id");
            var moves = await Task.WhenAll(ApplyAsync(order, OrderAction.Pay), ApplyAsync(order, OrderAction.Expire));
            Assert.Single(moves, move => move.Outcome == OrderMoveOutcome.Applied);
            var sold = moves[0].Outcome == OrderMoveOutcome.Applied;
            await UntilAsync(async () => await StockAsync(3210) == (sold ? (before.Available - 1, before.Reserved, before.Sold + 1) : before));
        }
    }

    [Fact]
    public async Task What_was_held_by_an_attempt_that_died_is_released_when_its_time_is_over()
    {
        var buyer = await shop.LogIn(Access.Customer);
        var before = await StockAsync(3211);
        var merchant = (await shop.ProductAsync(3211)).MerchantId;
        var stock = shop.Service<Rez.Stock.StockTable>();
        var order = shop.Service<ShardedStore>().NewId(buyer.Identity.User);
        var held = await stock.HoldAsync(merchant, order, [new Rez.Stock.Wanted(3211, 2)], DateTime.SpecifyKind(new DateTime(2025, 1, 1), DateTimeKind.Utc), null, Cancel);
        Assert.True(Assert.Single(held).Held);
        Assert.Equal((before.Available - 2, before.Reserved + 2, before.Sold), await StockAsync(3211));
        var sweeper = shop.Service<OrderSweeper>();
        while (await sweeper.ReleaseAsync(Cancel) > 0)
        {
        }

        Assert.Equal(before, await StockAsync(3211));
        await stock.ReleaseAsync(merchant, order, Cancel);
        await stock.SettleAsync(merchant, order, Cancel);
        Assert.Equal(before, await StockAsync(3211));
    }

    [Fact]
    public async Task A_merchant_changes_the_stock_of_its_own_products_and_it_is_noted()
    {
        var merchant = (await shop.ProductAsync(3212)).MerchantId;
        var (staff, other) = (await shop.LogIn(Access.Merchant, merchant), await shop.LogIn(Access.Merchant, merchant + 1));
        await (await shop.LogIn(Access.Customer)).Http.PlaceAsync((3212, 2));
        using var set = await staff.Http.PutAsJsonAsync("/api/products/3212/stock", new { available = 10 }, Cancel);
        var level = await set.DataAsync();
        Assert.Equal((10, 2), (level.GetProperty("available").GetInt32(), level.GetProperty("reserved").GetInt32()));
        Assert.Equal(12 + level.GetProperty("sold").GetInt64(), level.GetProperty("received").GetInt64());
        using var less = await staff.Http.PutAsJsonAsync("/api/products/3212/stock", new { change = -3 }, Cancel);
        Assert.Equal(7, (await less.DataAsync()).GetProperty("available").GetInt32());
        foreach (var (http, body, status) in new (HttpClient, object, HttpStatusCode)[]
        {
            (staff.Http, new { change = -8 }, HttpStatusCode.Conflict), (staff.Http, new { available = -1 }, HttpStatusCode.BadRequest), (staff.Http, new { available = 1, change = 1 }, HttpStatusCode.BadRequest),
            (other.Http, new { available = 1 }, HttpStatusCode.NotFound),
        })
        {
            using var refused = await http.PutAsJsonAsync("/api/products/3212/stock", body, Cancel);
            Assert.Equal(status, refused.StatusCode);
        }

        Assert.Equal(7, (await GetAsync(staff.Http, "/api/products/3212/stock")).GetProperty("available").GetInt32());
        Assert.Equal(2L, await shop.ScalarAsync<long>("SELECT count(*) FROM audit_log WHERE subject = 'product:3212' AND action = 'stock.change'"));
    }

    private async Task<(OrderMoveOutcome Outcome, OrderStatus? Status)> PayAsync(JsonElement order)
    {
        var move = await ApplyAsync(order, OrderAction.Pay);
        return (move.Outcome, move.Status);
    }

    private Task<OrderMove> ApplyAsync(JsonElement order, OrderAction action)
    {
        var id = new ShardId(long.Parse(order.Id(), null));
        return shop.Service<ShardedStore>().WriteAsync(id, (write, token) => shop.Service<OrderMoves>().ApplyAsync(write, id, action, "system", token), null, Cancel);
    }

    private async Task<long> OfAnotherMerchantAsync(long product) =>
        (await shop.IdsAsync($"SELECT id FROM products WHERE merchant_id <> (SELECT merchant_id FROM products WHERE id = {product}) AND id BETWEEN 3300 AND 3399 AND id % 100 <> 99 ORDER BY id LIMIT 1")).Single();

    private async Task<(int Available, int Reserved, long Sold)> StockAsync(long product)
    {
        await using var command = shop.Database.CreateCommand($"SELECT available, reserved, sold FROM stock WHERE product_id = {product}");
        await using var row = await command.ExecuteReaderAsync(Cancel);
        await row.ReadAsync(Cancel);
        return (row.GetInt32(0), row.GetInt32(1), row.GetInt64(2));
    }

    private static async Task<JsonElement> GetAsync(HttpClient http, string path)
    {
        using var response = await http.GetAsync(path, Cancel);
        return await response.DataAsync();
    }

    private static async Task<JsonElement> MoveAsync(HttpClient http, string path)
    {
        using var response = await http.PostAsync("/api/" + path, null, Cancel);
        return await response.DataAsync();
    }

    private static async Task RefuseAsync(HttpClient http, string path, HttpStatusCode status, HttpMethod? method = null)
    {
        using var response = await http.SendAsync(new HttpRequestMessage(method ?? HttpMethod.Post, "/api/" + path), Cancel);
        Assert.True(status == response.StatusCode, $"{path}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(Cancel)}");
    }

    private static async Task<List<string>> WalkAsync(HttpClient http, string path)
    {
        var ids = new List<string>();
        for (var cursor = ""; ;)
        {
            using var response = await http.GetAsync(path + cursor, Cancel);
            var page = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancel)).RootElement;
            Assert.True(response.IsSuccessStatusCode, page.GetRawText());
            ids.AddRange(page.GetProperty("data").EnumerateArray().Select(Buyers.Id));
            if (!page.GetProperty("pagination").GetProperty("hasMore").GetBoolean())
            {
                return ids;
            }

            cursor = (path.Contains('?', StringComparison.Ordinal) ? "&cursor=" : "?cursor=") + page.GetProperty("pagination").GetProperty("nextCursor").GetString();
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(Shop.Wait);
        while (!await holds())
        {
            await Task.Delay(10, limit.Token);
        }
    }
}
