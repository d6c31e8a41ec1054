using Rez.Seed;
using Rez.Tests.Shards;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Seed;

/// <summary>Accounts, orders, stock and reviews of the seed, as one database after the other has them.</summary>
[Collection(nameof(Estate))]
public sealed class ShopSeedTests(Estate estate)
{
    [Fact]
    public void Every_order_is_made_without_the_ones_before_it_and_the_same_each_time()
    {
        var (people, sales) = Make();
        var (_, again) = Make();
        var (one, two) = (new LineRow[Sales.MostLines], new LineRow[Sales.MostLines]);
        for (var index = sales.Orders - 1; index >= 0; index -= 7)
        {
            var order = sales.Order(index, one);
            Assert.Equal((order, one[0]), (again.Order(index, two), two[0]));
            var lines = one[..order.Kind.Lines];
            Assert.Equal(lines.Length, lines.Select(line => line.Product).Distinct().Count());
            Assert.Equal(people.BucketOf(order.Customer), order.Id.Bucket);
        }

        Assert.Equal(2 * sales.Orders, sales.Reviews);
    }

    [Fact]
    public async Task Every_row_is_in_the_database_of_its_bucket()
    {
        foreach (var table in new[] { "accounts", "orders", "merchant_orders", "order_lines", "order_events", "stock", "merchant_products", "reviews", "product_ratings" })
        {
            var rows = await ListAsync($"SELECT count(*), count(*) FILTER (WHERE owned), 0::bigint FROM {table} LEFT JOIN tenfold.shard_fences ON bucket = bucket_id");
            Assert.All(rows, row => Assert.Equal(row.Item1, row.Item2));
            Assert.True(rows.Count(row => row.Item1 > 0) > 1, table);
        }
    }

    [Fact]
    public async Task Rows_are_in_the_buckets_where_the_app_looks_for_them()
    {
        var buckets = estate.Store.Map.Scheme.Count;
        foreach (var wrong in new[]
        {
            "reviews WHERE bucket_id <> tenfold.bucket_of(product_id, N) OR (id >> 12) & 1023 <> bucket_id",
            "product_ratings WHERE bucket_id <> tenfold.bucket_of(product_id, N)",
            "stock WHERE bucket_id <> tenfold.bucket_of(merchant_id::bigint, N)",
            "orders WHERE bucket_id <> (id >> 12) & 1023 OR bucket_id <> (user_id >> 12) & 1023",
            "accounts WHERE bucket_id <> (id >> 12) & 1023",
        })
        {
            Assert.All(await ListAsync($"SELECT count(*), 0::bigint, 0::bigint FROM {wrong.Replace("N", $"{buckets}", StringComparison.Ordinal)}"), row => Assert.Equal(0, row.Item1));
        }
    }

    [Fact]
    public async Task Addresses_and_numbers_lead_to_their_account_over_all_databases()
    {
        var (people, _) = Make();
        foreach (var number in new[] { 1, 2, people.Customers, people.Customers + 3, people.Count })
        {
            var account = people.Account(number);
            Assert.Equal(ShardKey.OfBucket(account.Id.Bucket), await estate.Store.Unique("email").FindAsync(account.Email, null, TestContext.Current.CancellationToken));
            Assert.Equal(1, (await estate.CountAsync($"SELECT count(*) FROM accounts WHERE id = {account.Id} AND email = '{account.Email}' AND role = '{account.Role}'")).Sum());
        }

        Assert.Null(await estate.Store.Unique("email").ReserveAsync("customer-1@rez.example", 1, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
        Assert.Null(await estate.Store.Unique("phone").ReserveAsync("+15550000002", 1, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Totals_are_the_sums_of_their_lines()
    {
        Assert.Equal(0, (await estate.CountAsync("SELECT count(*) FROM orders o WHERE created_at < '2026-01-01' AND total_cents <> (SELECT sum(quantity * price_cents) FROM order_lines l WHERE l.bucket_id = o.bucket_id AND order_id = o.id)")).Sum());
        Assert.Equal(0, (await estate.CountAsync(
            """
            SELECT count(*) FROM merchant_orders m FULL JOIN (SELECT bucket_id, order_id, merchant_id, sum(quantity * price_cents) AS sum FROM order_lines GROUP BY 1, 2, 3) l USING (bucket_id, order_id, merchant_id)
            WHERE sum IS DISTINCT FROM total_cents
            """)).Sum());
        Assert.Equal(0, (await estate.CountAsync("SELECT count(*) FROM orders o WHERE changes <> (SELECT count(*) FROM order_events e WHERE e.bucket_id = o.bucket_id AND order_id = o.id)")).Sum());
    }

    [Fact]
    public async Task Reviews_are_of_what_was_delivered_and_stock_of_what_was_sold()
    {
        var (people, sales) = Make();
        var (bought, sold) = (new HashSet<(long, long, long)>(), new Dictionary<long, int>());
        var lines = new LineRow[Sales.MostLines];
        for (var index = 0; index < sales.Orders; index++)
        {
            var order = sales.Order(index, lines);
            foreach (var line in lines.AsSpan(0, order.Kind.Lines))
            {
                var product = estate.Dataset.IdOf(line.Product);
                sold[product] = sold.GetValueOrDefault(product) + (order.Kind.Status == "cancelled" ? 0 : line.Quantity);
                _ = order.Kind.Status == "delivered" && bought.Add((order.Id.Value, product, people.IdOf(order.Customer).Value));
            }
        }

        var reviews = await ListAsync("SELECT order_id, product_id, user_id FROM reviews WHERE created_at < '2026-01-01'");
        Assert.Equal(sales.Reviews, reviews.Distinct().Count());
        Assert.Subset(bought, reviews.ToHashSet());
        var opened = ShardId.FirstAt(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
        var ordered = (await ListAsync($"SELECT product_id, order_id, 0::bigint FROM stock_holds WHERE order_id > {opened}")).Select(row => row.Item1).ToHashSet(); // by other tests
        var stock = await ListAsync("SELECT product_id, sold, 0::bigint FROM stock WHERE updated_at < '2026-01-01'");
        Assert.True(stock.Count > Estate.Products / 2);
        Assert.All(stock.Where(row => !ordered.Contains(row.Item1)), row => Assert.Equal(sold.GetValueOrDefault(row.Item1), row.Item2));
    }

    private async Task<List<(long, long, long)>> ListAsync(string sql)
    {
        var all = new List<(long, long, long)>();
        foreach (var (_, database) in estate.Store.Stores())
        {
            await using var connection = await database.OpenWriterAsync(null, TestContext.Current.CancellationToken);
            all.AddRange(await Commons.Data.Sql.ListAsync(Commons.Data.Sql.Command(connection, sql), row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), TestContext.Current.CancellationToken));
        }

        return all;
    }

    private (People People, Sales Sales) Make()
    {
        var people = new People(estate.Dataset, estate.Store.Map.Scheme);
        return (people, new Sales(estate.Dataset, people));
    }
}
