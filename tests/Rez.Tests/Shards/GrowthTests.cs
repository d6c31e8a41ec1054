using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using Commons.Accounts;
using Rez.Carts;
using Rez.Products;
using Rez.Tests.Orders;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Shards;

/// <summary>One more database, while rez is used.</summary>
[Collection(nameof(Estate))]
public sealed class GrowthTests(Estate estate)
{
    /// <summary>Products before this one are left to other tests.</summary>
    public const int First = 500;

    [Fact]
    [Trait("Suite", "soak")] // in ./test, Tenfold.Postgres.Tests grows a store
    public async Task Growing_under_load_loses_nothing_and_fails_nobody()
    {
        using var over = new CancellationTokenSource();
        var names = new ConcurrentDictionary<long, string>();
        var carts = new ConcurrentDictionary<ShardId, int>();
        var orders = new ConcurrentQueue<string>();
        var load = new[] { RenameAsync(1), RenameAsync(2), ShopAsync(0), ShopAsync(1), OrderAsync(0), OrderAsync(1) };

        await estate.GrowAsync();
        await over.CancelAsync();
        await Task.WhenAll(load);

        Assert.True((long)(await estate.ScalarAsync(2, "SELECT count(*) FROM tenfold.shard_fences WHERE owned"))! > 10);
        Assert.Equal(Estate.Products, (await estate.CountAsync("SELECT count(*) FROM merchant_products")).Sum());
        Assert.NotEmpty(names);
        foreach (var (id, name) in names)
        {
            var product = estate.Dataset.Product((int)id - 1);
            Assert.Equal(name, (await estate.MerchantProducts.FindAsync(product.MerchantId, id, null, default))!.Name);
            Assert.Equal(name, await estate.ScalarAsync(0, $"SELECT name FROM products WHERE id = {id}"));
        }

        Assert.NotEmpty(carts);
        foreach (var (user, quantity) in carts)
        {
            Assert.Equal(quantity, Assert.Single(await estate.Carts.ListAsync(CartOwner.Of(user), null, default)).Quantity);
        }

        Assert.NotEmpty(orders);
        foreach (var order in orders)
        {
            Assert.Equal(1L, (await estate.CountAsync($"SELECT count(*) FROM orders WHERE id = {order}")).Sum());
        }

        Assert.Equal(
            (await estate.CountAsync("SELECT coalesce(sum(quantity), 0)::bigint FROM order_lines l JOIN orders o ON o.bucket_id = l.bucket_id AND o.id = l.order_id WHERE status = 'pending'")).Sum(),
            (await estate.CountAsync("SELECT coalesce(sum(reserved), 0)::bigint FROM stock")).Sum());

        async Task OrderAsync(int buyer)
        {
            var login = await estate.LogIn(Access.Customer);
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                orders.Enqueue((await login.Http.PlaceAsync((100 + (((2 * i) + buyer) % 99), 1))).Id());
            }
        }

        async Task RenameAsync(int renamer)
        {
            var random = new Random(renamer);
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                var id = First + renamer + (2 * random.Next((Estate.Products - First - 2) / 2)); // each product has one renamer, who knows its last name
                var name = $"Name {id} {i}";
                using var response = await estate.Admin.PatchAsJsonAsync($"/api/products/{id}", new { name });
                Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
                names[id] = name;
            }
        }

        async Task ShopAsync(int shopper)
        {
            var user = estate.Store.NewId($"shopper{shopper}");
            for (var i = 0; !over.IsCancellationRequested; i++)
            {
                await estate.Carts.SetAsync(CartOwner.Of(user), 1, 1 + (i % 99), null, default);
                carts[user] = 1 + (i % 99);
            }
        }
    }
}
