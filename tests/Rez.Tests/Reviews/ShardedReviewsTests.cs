using Rez.Reviews;
using Rez.Seed;
using Rez.Tests.Shards;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Reviews;

/// <summary>The buyer's order in one database, the product's reviews in another, the catalogue in the first.</summary>
[Collection(nameof(Estate))]
public sealed class ShardedReviewsTests(Estate estate)
{
    [Fact]
    public async Task A_review_is_at_its_product_and_its_figures_reach_the_catalogue()
    {
        var cancel = TestContext.Current.CancellationToken;
        var people = new People(estate.Dataset, estate.Store.Map.Scheme);
        var sales = new Sales(estate.Dataset, people);
        var lines = new LineRow[Sales.MostLines];
        for (var (index, done) = (0, 0); done < 4; index++)
        {
            var order = sales.Order(index, lines);
            var line = order.Kind.Lines - 1;
            var product = estate.Dataset.IdOf(lines[line].Product);
            if (order.Kind.Status != "delivered" || line < order.Kind.Reviews || estate.Store.Shard(product).Database == estate.Store.Shard(order.Id).Database)
            {
                continue;
            }

            done++;
            var buyer = people.IdOf(order.Customer);
            var purchase = await estate.Service<Purchases>().FindAsync(buyer, product, order.Id.Value, null, cancel);
            Assert.Equal((people.NameOf(order.Customer), lines[line].Merchant), (purchase!.Buyer, purchase.Merchant));
            var review = await estate.Reviews.AddAsync(product, purchase, buyer, 1 + (done % 5), "From afar.", null, cancel);
            Assert.Null(await estate.Reviews.AddAsync(product, purchase, buyer, 3, "Twice.", null, cancel));
            Assert.Equal(estate.Store.Shard(product).Bucket, review!.Id.Bucket);

            await estate.Service<RatingPublisher>().PublishAsync(product, cancel);
            var database = estate.Store.Shard(product).Database;
            var kept = await estate.ScalarAsync(database, $"SELECT count || ' ' || sum FROM product_ratings WHERE product_id = {product}");
            Assert.Equal(await estate.ScalarAsync(database, $"SELECT count(*) || ' ' || sum(rating) FROM reviews WHERE product_id = {product} AND state = 'shown'"), kept);
            Assert.Equal(await estate.ScalarAsync(database, $"SELECT count FROM product_ratings WHERE product_id = {product}"), await estate.ScalarAsync(0, $"SELECT review_count FROM products WHERE id = {product}"));
            var own = await estate.Store.ScatterAsync(
                new ScatterQuery<long> { Sql = "SELECT id FROM reviews WHERE user_id = $3 AND bucket_id = ANY ($1) ORDER BY id DESC LIMIT $2", Values = [buyer.Value], Read = row => row.GetInt64(0), Limit = 100 }, null, cancel);
            Assert.Contains(review.Id.Value, own.Rows);
        }
    }

    [Fact]
    public async Task What_no_job_has_published_the_safety_net_does()
    {
        var cancel = TestContext.Current.CancellationToken;
        var product = (long)(await estate.ScalarAsync(1, "SELECT product_id FROM product_ratings WHERE count > 1 ORDER BY product_id LIMIT 1"))!;
        await estate.ScalarAsync(1, $"UPDATE product_ratings SET stars[5] = stars[5] + 1, count = count + 1, sum = sum + 5, version = version + 1 WHERE product_id = {product}");
        while (await estate.Service<RatingPublisher>().PublishAsync(TimeSpan.Zero, cancel) > 0)
        {
        }

        Assert.Equal(await estate.ScalarAsync(1, $"SELECT count FROM product_ratings WHERE product_id = {product}"), await estate.ScalarAsync(0, $"SELECT review_count FROM products WHERE id = {product}"));
    }
}
