using System.Net.Http.Json;
using Commons.Accounts;
using Rez.Reviews;
using Tenfold.Caching.Tests.Support;

namespace Rez.Tests.Reviews;

/// <summary>Products 5001 to 5099 are these tests' own.</summary>
public sealed class ReviewsTests(Shop shop)
{
    [Theory]
    [InlineData("pending", 403)]
    [InlineData("cancelled", 403)]
    [InlineData("refunded", 403)]
    [InlineData("paid", 201)]
    [InlineData("shipped", 201)]
    [InlineData("delivered", 201)]
    public async Task Only_who_has_bought_and_paid_reviews(string status, int answer)
    {
        using var shopper = await Shopper.NewAsync(shop);
        await shopper.OrderAsync(5001, status);
        using var response = await shopper.ReviewAsync(5001, new { rating = 4 });
        Assert.Equal(answer, (int)response.StatusCode);
        using var other = await shopper.ReviewAsync(5002, new { rating = 4 });
        Assert.Equal(403, (int)other.StatusCode);
        using var none = await shopper.ReviewAsync(999_999_999, new { rating = 4 });
        Assert.Equal(404, (int)none.StatusCode);
    }

    [Fact]
    public async Task Nobody_reviews_without_logging_in_or_with_somebody_else_s_order()
    {
        using var anonymous = await shop.Http.PostAsJsonAsync("/api/products/5001/reviews", new { rating = 4 });
        Assert.Equal(401, (int)anonymous.StatusCode);
        using var buyer = await Shopper.NewAsync(shop);
        using var other = await Shopper.NewAsync(shop);
        var order = await buyer.OrderAsync(5001);
        using var stolen = await other.ReviewAsync(5001, new { rating = 4, orderId = $"{order}" });
        Assert.Equal(403, (int)stolen.StatusCode);
    }

    [Fact]
    public async Task Each_order_is_reviewed_once()
    {
        using var shopper = await Shopper.NewAsync(shop);
        var (first, second) = (await shopper.OrderAsync(5003), await shopper.OrderAsync(5003));
        Assert.Equal($"{second}", (await shopper.ReviewedAsync(5003, 5)).OrderId); // the newest
        using var again = await shopper.ReviewAsync(5003, new { rating = 1, orderId = $"{second}" });
        Assert.Equal(409, (int)again.StatusCode);
        var older = await shopper.ReviewedAsync(5003, 4);
        Assert.Equal($"{first}", older.OrderId);
        using var third = await shopper.ReviewAsync(5003, new { rating = 1 });
        Assert.Equal(409, (int)third.StatusCode);

        using var deleted = await shopper.Http.DeleteAsync($"/api/reviews/{older.Id}");
        Assert.Equal(200, (int)deleted.StatusCode);
        Assert.Equal($"{first}", (await shopper.ReviewedAsync(5003, 3)).OrderId); // and may be again
    }

    [Fact]
    public async Task Of_reviews_of_one_order_at_the_same_time_one_is_taken()
    {
        using var shopper = await Shopper.NewAsync(shop);
        await shopper.OrderAsync(5004);
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            using var response = await shopper.ReviewAsync(5004, new { rating = 1 + (i % 5) });
            return (int)response.StatusCode;
        }));
        Assert.Equal([201, .. Enumerable.Repeat(409, 7)], answers.Order());
        await IsRecountAsync(5004);
    }

    [Fact]
    public async Task Staff_do_not_review_their_own_merchant_s_products()
    {
        var merchant = await shop.ScalarAsync<int>("SELECT merchant_id FROM products WHERE id = 5005");
        using var staff = await Shopper.NewAsync(shop, Access.Merchant, merchant);
        await staff.OrderAsync(5005);
        using var own = await staff.ReviewAsync(5005, new { rating = 5 });
        Assert.Equal(403, (int)own.StatusCode);
        using var others = await Shopper.NewAsync(shop, Access.Merchant, merchant + 1);
        await others.OrderAsync(5005);
        await others.ReviewedAsync(5005, 2);
    }

    [Fact]
    public async Task Figures_are_those_of_a_recount_however_many_write_at_once_and_the_catalogue_follows()
    {
        const long Product = 5006;
        using var admin = await shop.LogIn(Access.Admin);
        var shoppers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Shopper.NewAsync(shop)));
        await Task.WhenAll(shoppers.Select(async (shopper, index) =>
        {
            await shopper.OrderAsync(Product);
            var review = await shopper.ReviewedAsync(Product, 1 + (index % 5));
            await Task.WhenAll(
                shopper.ChangedAsync(review.Id, new { rating = 5 - (index % 3) }),
                shopper.ChangedAsync(review.Id, new { rating = 2, body = "Changed." }),
                ModerateAsync(admin.Http, review.Id, "hide"),
                ModerateAsync(admin.Http, review.Id, "hide"),
                index % 2 == 0 ? ModerateAsync(admin.Http, review.Id, "show") : Task.CompletedTask);
            if (index % 4 == 0)
            {
                using var deleted = await shopper.Http.DeleteAsync($"/api/reviews/{review.Id}");
                Assert.Equal(200, (int)deleted.StatusCode);
            }
            else if (index % 4 == 1)
            {
                await ModerateAsync(admin.Http, review.Id, "show");
            }
        }));

        await IsRecountAsync(Product);
        Assert.True(await shop.ScalarAsync<long>($"SELECT count(*) FROM reviews WHERE product_id = {Product} AND state = 'shown'") > 2);
        await IsPublishedAsync(Product);
        Assert.Equal(await shop.ScalarAsync<int>($"SELECT review_count FROM products WHERE id = {Product}"), (await shop.ProductAsync(Product)).ReviewCount);
        foreach (var shopper in shoppers)
        {
            shopper.Dispose();
        }
    }

    [Fact]
    public async Task An_older_version_does_not_replace_a_newer_one_in_the_catalogue()
    {
        const long Product = 5007;
        using var shopper = await Shopper.NewAsync(shop);
        await shopper.OrderAsync(Product);
        await shopper.ReviewedAsync(Product, 1);
        await IsPublishedAsync(Product);
        var shown = await shop.ScalarAsync<int>($"SELECT review_count FROM products WHERE id = {Product}");
        await shop.ExecuteAsync($"UPDATE published_ratings SET version = version + 1000 WHERE product_id = {Product}");
        await shopper.OrderAsync(Product);
        await shopper.ReviewedAsync(Product, 1);
        await IsPublishedAsync(Product, isFollowed: false);
        Assert.Equal(shown, await shop.ScalarAsync<int>($"SELECT review_count FROM products WHERE id = {Product}"));
    }

    [Fact]
    public async Task A_hidden_review_is_neither_shown_nor_counted_and_its_author_sees_that()
    {
        const long Product = 5008;
        using var admin = await shop.LogIn(Access.Admin);
        using var shopper = await Shopper.NewAsync(shop);
        await shopper.OrderAsync(Product);
        var review = await shopper.ReviewedAsync(Product, 1, "Rude.");
        var before = await PageAsync($"/api/products/{Product}/reviews");
        Assert.Equal("Somebody", before.Data.First().Author);
        Assert.Null(before.Data.First().OrderId);

        using (var refused = await shopper.Http.PostAsync($"/api/admin/reviews/{review.Id}/hide", null))
        {
            Assert.Equal(403, (int)refused.StatusCode);
        }

        await ModerateAsync(admin.Http, review.Id, "hide");
        var after = await PageAsync($"/api/products/{Product}/reviews");
        Assert.Equal(before.Rating!.Count - 1, after.Rating!.Count);
        Assert.DoesNotContain(after.Data, shown => shown.Id == review.Id);
        var own = await shopper.Http.GetFromJsonAsync("/api/users/me/reviews", ReviewsJson.Default.ReviewPage);
        Assert.Equal(("hidden", "Rude."), (Assert.Single(own!.Data).State, own.Data.First().Body));
        Assert.Equal("hidden", (await shopper.ChangedAsync(review.Id, new { rating = 5 })).State); // a change does not show it again
        await IsRecountAsync(Product);
    }

    [Fact]
    public async Task Somebody_else_s_review_is_not_there_to_be_changed()
    {
        using var shopper = await Shopper.NewAsync(shop);
        using var other = await Shopper.NewAsync(shop);
        await shopper.OrderAsync(5009);
        var review = await shopper.ReviewedAsync(5009, 4);
        using var changed = await other.Http.PatchAsJsonAsync($"/api/reviews/{review.Id}", new { rating = 1 });
        using var deleted = await other.Http.DeleteAsync($"/api/reviews/{review.Id}");
        using var anywhere = await other.Http.DeleteAsync($"/api/reviews/{long.MaxValue}"); // a bucket that is not there
        Assert.Equal((404, 404, 404), ((int)changed.StatusCode, (int)deleted.StatusCode, (int)anywhere.StatusCode));
    }

    [Theory]
    [InlineData("{}", "rating")]
    [InlineData("{\"rating\":6}", "rating")]
    [InlineData("{\"rating\":0}", "rating")]
    [InlineData("{\"rating\":4.5}", "rating")]
    [InlineData("{\"rating\":4,\"orderId\":\"x\"}", "orderId")]
    [InlineData("{\"rating\":4,\"stars\":5}", "stars")]
    [InlineData("{\"rating\":4,\"body\":null}", "body")]
    public async Task A_wrong_review_is_refused_by_field(string body, string field)
    {
        using var shopper = await Shopper.NewAsync(shop);
        using var response = await shopper.Http.PostAsync("/api/products/5001/reviews", new StringContent(body, System.Text.Encoding.UTF8, "application/json"));
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains($"\"{field}\":[", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("newest", "id DESC")]
    [InlineData("highest", "rating DESC, id DESC")]
    [InlineData("lowest", "rating, id")]
    public async Task A_walk_meets_every_review_that_is_shown_once(string sort, string orderBy)
    {
        var product = await shop.ScalarAsync<long>("SELECT product_id FROM product_ratings WHERE product_id < 5000 ORDER BY count DESC, product_id LIMIT 1");
        var expected = await shop.IdsAsync($"SELECT id FROM reviews WHERE product_id = {product} AND state = 'shown' ORDER BY {orderBy}");
        Assert.True(expected.Count > 10);
        var met = new List<long>();
        var distribution = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var cursor = ""; ;)
        {
            var page = await PageAsync($"/api/products/{product}/reviews?sort={sort}&limit=7{cursor}");
            met.AddRange(page.Data.Select(review => long.Parse(review.Id)));
            distribution = page.Rating!.Distribution;
            if (page.Pagination.NextCursor is not { } next)
            {
                break;
            }

            cursor = "&cursor=" + next;
        }

        Assert.Equal(expected, met);
        for (var stars = 1; stars <= 5; stars++)
        {
            Assert.Equal(await shop.ScalarAsync<long>($"SELECT count(*) FROM reviews WHERE product_id = {product} AND state = 'shown' AND rating = {stars}"), distribution[$"{stars}"]);
        }

        var other = (await PageAsync($"/api/products/{product}/reviews?sort={sort}&limit=7")).Pagination.NextCursor;
        using var wrong = await shop.Http.GetAsync($"/api/products/{product + 1}/reviews?sort={sort}&cursor={other}");
        Assert.Equal(400, (int)wrong.StatusCode);
    }

    private async Task<ReviewPage> PageAsync(string path) => (await shop.Http.GetFromJsonAsync(path, ReviewsJson.Default.ReviewPage))!;

    private static async Task ModerateAsync(HttpClient admin, string review, string how)
    {
        using var response = await admin.PostAsync($"/api/admin/reviews/{review}/{how}", null);
        await Shopper.ReadAsync(response, 200);
    }

    private async Task IsRecountAsync(long product) => Assert.Equal(
        await shop.ScalarAsync<string>($"SELECT count(*) || ' ' || coalesce(sum(rating), 0) FROM reviews WHERE product_id = {product} AND state = 'shown'"),
        await shop.ScalarAsync<string>($"SELECT count || ' ' || sum FROM product_ratings WHERE product_id = {product}"));

    /// <summary>By the job, or by the publisher: whichever comes first.</summary>
    private async Task IsPublishedAsync(long product, bool isFollowed = true)
    {
        await shop.Service<RatingPublisher>().PublishAsync(product, TestContext.Current.CancellationToken);
        await Wait.ForAsync("the catalogue has it", () => shop.ScalarAsync<bool>($"SELECT published = version FROM product_ratings WHERE product_id = {product}"));
        Assert.Equal(isFollowed, await shop.ScalarAsync<bool>(
            $"SELECT p.review_count = r.count AND p.rating_tenths = CASE WHEN r.count = 0 THEN 0 ELSE (20 * r.sum + r.count) / (2 * r.count) END FROM products p JOIN product_ratings r ON r.product_id = p.id WHERE p.id = {product}"));
    }
}
