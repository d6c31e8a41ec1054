using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Commons.Accounts;
using Npgsql;
using Commons.OpenApi;
using Rez.OpenApi;

namespace Rez.Tests.Products;

public sealed class UpdateProductTests(Shop shop)
{
    [Fact]
    public async Task The_audit_log_says_who_has_changed_what_and_nothing_of_what_stayed()
    {
        var before = await shop.ProductAsync(641);
        using var merchant = await shop.LogIn(Access.Merchant, before.MerchantId);
        using var changed = await merchant.Http.PatchAsJsonAsync("/api/products/641", new { name = "Audited", brand = before.Brand });
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
        using var refused = await merchant.Http.SendAsync(new HttpRequestMessage(HttpMethod.Patch, "/api/products/641") { Content = JsonContent.Create(new { name = "Refused" }), Headers = { IfMatch = { new("\"1\"") } } });
        Assert.Equal(HttpStatusCode.PreconditionFailed, refused.StatusCode);

        using var entries = JsonDocument.Parse(await shop.Admin.GetStringAsync("/api/admin/audit?subject=product:641"));
        var entry = Assert.Single(entries.RootElement.GetProperty("data").EnumerateArray());
        Assert.Equal(("product.update", "merchant", merchant.Identity.User.ToString()), (entry.GetProperty("action").GetString(), entry.GetProperty("role").GetString(), entry.GetProperty("actor").GetString()));
        Assert.Equal($$"""{"name":{{JsonSerializer.Serialize(before.Name)}}}""", entry.GetProperty("before").GetRawText());
        Assert.Equal("""{"name":"Audited"}""", entry.GetProperty("after").GetRawText());
    }

    [Fact]
    public async Task PATCH_changes_what_is_given_everywhere_at_once()
    {
        var before = await shop.ProductAsync(101);
        using var response = await shop.PatchAsync(101, new { name = "Zanzibarian \"Quokka\" Lämp \u2028 </script>", price = 77.5 });
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);

        var after = await shop.ProductAsync(101);
        Assert.Equal(before with { Name = "Zanzibarian \"Quokka\" Lämp \u2028 </script>", Price = 77.5m, Version = before.Version + 1, UpdatedAt = after.UpdatedAt }, after);
        Assert.True(after.UpdatedAt > before.UpdatedAt);
        Assert.Contains((await shop.ProductsAsync("?minPrice=77.5&maxPrice=77.5&limit=100")).Data, product => product == after);
        Assert.Equal([after], (await shop.ProductsAsync("/search?q=zanzibarian")).Data);
        Assert.Equal([after], (await shop.ProductsAsync("/search?q=zanzibaran+quoka")).Data);
    }

    [Fact]
    public async Task PUT_replaces_everything_that_can_change()
    {
        var change = new { name = "A", brand = "B", description = "", price = 0.01, categoryId = 22, isActive = true, isFeatured = true };
        using var response = await shop.Admin.PutAsJsonAsync("/api/products/102", change);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var after = await shop.ProductAsync(102);
        Assert.Equal(("A", "B", "", 0.01m, 22, "laptops", true), (after.Name, after.Brand, after.Description, after.Price, after.Category.Id, after.Category.Slug, after.IsFeatured));
        Assert.Contains((await shop.ProductsAsync("/featured?limit=50")).Data, product => product.Id == 102);
    }

    [Fact]
    public async Task An_inactive_product_is_found_nowhere_and_comes_back()
    {
        var product = await shop.ProductAsync(103);
        var total = (await shop.ProductsAsync("")).Pagination.Total;
        (await shop.PatchAsync(103, new { isActive = false })).Dispose();
        Assert.Equal(HttpStatusCode.NotFound, (await shop.Http.GetAsync("/api/products/103")).StatusCode);
        Assert.Equal(total - 1, (await shop.ProductsAsync("")).Pagination.Total);
        Assert.DoesNotContain(await shop.WalkAsync($"&store={product.Store.Id}"), other => other.Id == 103);

        (await shop.PatchAsync(103, new { isActive = true })).Dispose();
        Assert.Equal(product.Name, (await shop.ProductAsync(103)).Name);
        Assert.Equal(total, (await shop.ProductsAsync("")).Pagination.Total);
    }

    [Fact]
    public async Task A_change_that_meets_another_in_a_deadlock_is_made_again()
    {
        // Who waits longest looks for the deadlock, after a second: on a busy machine that may be the other one.
        for (var attempt = 0; !await MeetAsync(); attempt++)
        {
            Assert.True(attempt < 10, "the other transaction always gave way");
        }
    }

    // The other one holds the counters and then wants the product; the change holds the product and wants the counters. False: not the change was ended.
    private async Task<bool> MeetAsync()
    {
        await using var other = await shop.Database.OpenConnectionAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await ExecuteAsync("SELECT 1 FROM catalogue FOR UPDATE");
        var change = shop.PatchAsync(109, new { isActive = false });
        while (await shop.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == 0)
        {
            await Task.Yield();
        }

        var gaveWay = true;
        try
        {
            await ExecuteAsync("UPDATE products SET popularity = popularity WHERE id = 109"); // waits until the change gives way
            await transaction.CommitAsync();
        }
        catch (PostgresException deadlock) when (deadlock.SqlState == PostgresErrorCodes.DeadlockDetected)
        {
            gaveWay = false;
            await transaction.RollbackAsync();
        }

        using var response = await change.WaitAsync(Shop.Wait);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False(await shop.ScalarAsync<bool>("SELECT is_active FROM products WHERE id = 109"));
        (await shop.PatchAsync(109, new { isActive = true })).Dispose();
        return gaveWay;

        async Task ExecuteAsync(string sql)
        {
            await using var command = other.CreateCommand();
            command.CommandText = sql;
            await command.ExecuteNonQueryAsync();
        }
    }

    [Fact]
    public async Task A_change_to_a_version_that_is_no_more_is_refused()
    {
        using var read = await shop.Http.GetAsync("/api/products/104");
        var tag = read.Headers.ETag!.ToString();
        Assert.Equal(HttpStatusCode.OK, await ChangeAsync(tag));
        Assert.Equal(HttpStatusCode.PreconditionFailed, await ChangeAsync(tag));
        Assert.Equal(HttpStatusCode.OK, await ChangeAsync("*"));
        Assert.Equal(HttpStatusCode.BadRequest, await ChangeAsync("\"x\""));

        async Task<HttpStatusCode> ChangeAsync(string ifMatch)
        {
            var request = new HttpRequestMessage(HttpMethod.Patch, "/api/products/104") { Content = JsonContent.Create(new { price = 5 }) };
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
            using var response = await shop.Admin.SendAsync(request);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task Of_many_changes_to_one_version_at_the_same_time_one_is_made()
    {
        var version = (await shop.ProductAsync(105)).Version;
        var answers = await Task.WhenAll(Enumerable.Range(1, 12).Select(async price =>
        {
            var request = new HttpRequestMessage(HttpMethod.Patch, "/api/products/105") { Content = JsonContent.Create(new { price }) };
            request.Headers.TryAddWithoutValidation("If-Match", $"\"{version}\"");
            using var response = await shop.Admin.SendAsync(request);
            return response.StatusCode;
        }));
        Assert.Single(answers, HttpStatusCode.OK);
        Assert.Equal(11, answers.Count(status => status == HttpStatusCode.PreconditionFailed));
    }

    [Fact]
    public async Task Counters_hold_after_concurrent_moves_between_categories()
    {
        await Task.WhenAll(Enumerable.Range(200, 40).Select(async id =>
        {
            using var moved = await shop.PatchAsync(id, new { categoryId = 21 + (id % 7), isActive = id % 3 != 0 });
            Assert.Equal(HttpStatusCode.OK, moved.StatusCode);
        }));
        Assert.Equal(
            0L,
            await shop.ScalarAsync<long>(
                """
                SELECT (SELECT count(*) FROM categories c WHERE product_count <> (SELECT count(*) FROM products WHERE is_active AND c.id IN (category_id, department_id)))
                     + (SELECT count(*) FROM stores s WHERE product_count <> (SELECT count(*) FROM products WHERE is_active AND store_id = s.id))
                     + (SELECT count(*) FROM merchants m WHERE product_count <> (SELECT count(*) FROM products WHERE is_active AND merchant_id = m.id))
                     + (SELECT count(*) FROM catalogue WHERE product_count <> (SELECT count(*) FROM products WHERE is_active))
                """));
        Assert.Equal((await shop.GetAsync<Item<Category>>("/api/categories/21")).Data.ProductCount, (await shop.ProductsAsync("?category=21")).Pagination.Total);
    }

    [Fact]
    public async Task A_new_name_of_a_category_or_store_shows_on_its_products()
    {
        var product = await shop.ProductAsync(106);
        await shop.ScalarAsync<int>($"UPDATE categories SET name = 'Renamed Things' WHERE id = {product.Category.Id} RETURNING id");
        await shop.ScalarAsync<int>($"UPDATE stores SET name = 'Renamed Shop' WHERE id = {product.Store.Id} RETURNING id");
        var after = await shop.ProductAsync(106);
        Assert.Equal(("Renamed Things", "Renamed Shop"), (after.Category.Name, after.Store.Name));
        await shop.ScalarAsync<int>($"UPDATE categories SET name = '{product.Category.Name}' WHERE id = {product.Category.Id} RETURNING id");
        await shop.ScalarAsync<int>($"UPDATE stores SET name = '{product.Store.Name}' WHERE id = {product.Store.Id} RETURNING id");
        Assert.Equal(product.Category, (await shop.ProductAsync(106)).Category);
    }
}
