using Npgsql;
using Rez.Seed;

namespace Rez.Tests.Seed;

public sealed class SeedTests(Shop shop)
{
    [Fact]
    public void The_dataset_is_the_same_on_every_machine()
    {
        var dataset = new Dataset();
        Assert.Equal((250_000, 5_000, 1_200, 400), (dataset.Products, dataset.Stores.Length, dataset.Merchants.Length, dataset.Categories.Length));
        var known = dataset.Product((int)Dataset.KnownProduct - 1);
        Assert.Equal(Dataset.KnownProduct, known.Id);
        Assert.Equal(KnownProduct, $"{known.Name}|{known.Brand}|{known.PriceCents}|{known.CategoryId}|{known.StoreId}|{known.Popularity}|{known.CreatedAt:O}");
        Assert.Equal(known, new Dataset().Product((int)Dataset.KnownProduct - 1));
    }

    private const string KnownProduct = "Meridian Seasonal Jam J467|Meridian|3599|169|1960|219|2024-05-29T09:37:45.0000000Z";

    [Fact]
    public void Names_are_unlike_and_categories_have_one_slug_each()
    {
        var dataset = new Dataset();
        Assert.Equal(400, dataset.Categories.Select(category => category.Slug).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(20, dataset.Categories.Count(category => category.ParentId is null));
        Assert.True(Enumerable.Range(0, 10_000).Select(index => dataset.Product(index).Name).Distinct(StringComparer.Ordinal).Count() > 9_500);
    }

    [Fact]
    public void Popularity_falls_as_a_power_of_the_rank()
    {
        var popularity = Enumerable.Range(0, 50_000).Select(new Dataset(50_000).Product).Select(product => product.Popularity).OrderDescending().ToArray();
        Assert.Equal(1_000_000, popularity[0]);
        foreach (var rank in new[] { 10, 100, 1000, 10_000 })
        {
            Assert.InRange(popularity[rank], 1_000_000 / Math.Pow(rank + 1, 0.75) * 0.99, 1_000_000 / Math.Pow(rank + 1, 0.75) * 1.01);
        }
    }

    [Fact]
    public async Task A_second_seed_does_nothing()
    {
        var said = new List<string>();
        Assert.Equal(0, await new SeedCommand(shop.Database, new Dataset(500), said.Add, null).RunAsync(CancellationToken.None));
        Assert.Contains("seeded before", Assert.Single(said), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Seed_leaves_every_index_key_trigger_and_counter_in_place()
    {
        Assert.Equal("done", await shop.ScalarAsync<string>("SELECT state FROM seed_state WHERE part = 'catalogue'"));
        Assert.Equal(14L, await shop.ScalarAsync<long>("SELECT count(*) FROM pg_index WHERE indrelid = 'products'::regclass AND indisvalid AND NOT indisprimary"));
        Assert.Equal(4L, await shop.ScalarAsync<long>("SELECT count(*) FROM pg_constraint WHERE conrelid = 'products'::regclass AND contype = 'f' AND convalidated"));
        Assert.Equal(0L, await shop.ScalarAsync<long>("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'products'::regclass AND tgenabled = 'D'"));
        Assert.Equal((long)Shop.Products, await shop.ScalarAsync<long>($"SELECT count(*) FROM products WHERE id <= {Shop.Products} OR id = {Dataset.KnownProduct}")); // other tests add some
        Assert.True(await shop.ScalarAsync<bool>("SELECT nextval(pg_get_serial_sequence('products', 'id')) > 123456"));
    }

    [Fact]
    public async Task What_is_rendered_by_the_load_is_what_a_change_renders() => Assert.Equal(0L, await shop.ScalarAsync<long>(
        """
        WITH changed AS (UPDATE products SET name = name WHERE id % 10 = 0 RETURNING id, json, search)
        SELECT count(*) FROM products JOIN changed USING (id)
        WHERE (products.json, products.search) IS DISTINCT FROM (changed.json, changed.search)
        """));

    [Fact]
    public async Task A_seed_killed_half_way_is_begun_again()
    {
        await using var other = await OtherSchemaAsync();
        using var kill = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new SeedCommand(other, new Dataset(2_000, stores: 100, merchants: 50), line => { if (line.Contains("loaded", StringComparison.Ordinal)) { kill.Cancel(); } }, null).RunAsync(kill.Token));
        Assert.Equal("loading", await ScalarAsync<string>(other, "SELECT state FROM seed_state WHERE part = 'catalogue'"));

        Assert.Equal(0, await new SeedCommand(other, new Dataset(1_000, stores: 100, merchants: 50), _ => { }, null).RunAsync(CancellationToken.None));
        Assert.Equal(1_000L, await ScalarAsync<long>(other, "SELECT count(*) FROM products"));
        Assert.Equal(1_000, await ScalarAsync<int>(other, "SELECT product_count FROM catalogue"));
        Assert.Equal(14L, await ScalarAsync<long>(other, "SELECT count(*) FROM pg_index WHERE indrelid = 'products'::regclass AND NOT indisprimary"));
        Assert.Equal(4L, await ScalarAsync<long>(other, "SELECT count(*) FROM pg_constraint WHERE conrelid = 'products'::regclass AND contype = 'f'"));
    }

    [Fact]
    public async Task Indexes_and_keys_that_a_load_took_off_are_known_to_whoever_begins_it_again()
    {
        await using var other = await OtherSchemaAsync();
        var tables = new LoadedTables("shop", ["orders", "merchant_orders", "reviews"]);
        const string Definitions = "SELECT coalesce(string_agg(statement, ';' ORDER BY statement), '') FROM (SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid IN ('orders'::regclass, 'merchant_orders'::regclass, 'reviews'::regclass) UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid IN ('merchant_orders'::regclass, 'reviews'::regclass)) x (statement)";
        var whole = await ScalarAsync<string>(other, Definitions);
        await using var connection = await other.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await tables.BeginAsync(connection, 1, TestContext.Current.CancellationToken);
        Assert.NotEqual(whole, await ScalarAsync<string>(other, Definitions));

        var statements = await tables.BeginAsync(connection, 1, TestContext.Current.CancellationToken);
        await tables.RebuildAsync(other.OpenConnectionAsync, statements, TestContext.Current.CancellationToken);
        Assert.Equal(whole, await ScalarAsync<string>(other, Definitions));
    }

    [Fact]
    public async Task A_catalogue_with_rows_of_someone_else_is_left_alone()
    {
        await using var other = await OtherSchemaAsync();
        await ExecuteAsync(
            other,
            """
            INSERT INTO categories (id, slug, name) VALUES (1, 'a', 'A');
            INSERT INTO merchants (id, name, country, joined_at) VALUES (1, 'M', 'X', now());
            INSERT INTO stores (id, merchant_id, slug, name, city, rating_tenths) VALUES (1, 1, 's', 'S', 'C', 40);
            INSERT INTO products (category_id, store_id, price_cents, brand, name, description) VALUES (1, 1, 100, 'B', 'Mine', '')
            """);
        Assert.Equal(1, await new SeedCommand(other, new Dataset(500), _ => { }, null).RunAsync(CancellationToken.None));
        Assert.Equal("Mine", await ScalarAsync<string>(other, "SELECT name FROM products"));
        Assert.Equal(1, await ScalarAsync<int>(other, "SELECT product_count FROM catalogue"));
    }

    /// <summary>An empty catalogue beside the shared one.</summary>
    private async Task<NpgsqlDataSource> OtherSchemaAsync()
    {
        var name = "other_" + Guid.NewGuid().ToString("N")[..8];
        await ExecuteAsync(shop.Database, $"CREATE SCHEMA {name}");
        var other = NpgsqlDataSource.Create(shop.ConnectionString + $";Search Path={name},public;Maximum Pool Size=5");
        await SchemaFiles.ApplyAsync(other);
        return other;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<T> ScalarAsync<T>(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }
}
