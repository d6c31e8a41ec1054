using System.Diagnostics;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Rez.Seed;

/// <summary>
/// Fills an empty marketplace: the catalogue here, what is in buckets by <see cref="SeedShards"/>. Two workers load by COPY and render what
/// they loaded in one statement; then the indexes are built, also two at a time. A load that was killed half-way leaves the state
/// "loading": the next one empties the tables and begins again. A finished load is not repeated, and a catalogue with rows of someone
/// else's is not touched.
/// </summary>
/// <param name="database">The catalogue's database, on its primary.</param>
/// <param name="dataset">What is loaded.</param>
/// <param name="say">Gets what is done.</param>
/// <param name="shards">Loads what is in buckets; null: that is left empty.</param>
internal sealed class SeedCommand(NpgsqlDataSource database, Dataset dataset, Action<string> say, ShardedStore? shards)
{
    internal const int Workers = 2;

    private static readonly LoadedTables Catalogue = new("catalogue", ["products", "published_ratings", "search_words", "search_suggestions", "stores", "merchants", "categories"]);
    private static readonly string[] ProductColumns =
    [
        "id", "created_at", "updated_at", "category_id", "department_id", "store_id", "merchant_id", "price_cents",
        "review_count", "popularity", "rating_tenths", "is_featured", "brand", "name", "description",
    ];

    /// <returns>The process's exit code: 0 seeded, now or before; 1 refused.</returns>
    public async Task<int> RunAsync(CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        await using var connection = await OpenAsync(cancel);
        // Two seeds at once: the second one waits, then finds it done.
        await ExecuteAsync(connection, "SELECT pg_advisory_lock(hashtext('rez seed'))", cancel);
        try
        {
            return await RunAsync(connection, clock, cancel);
        }
        finally
        {
            // The pool keeps the connection, and with it the lock.
            database.Clear();
        }
    }

    private async Task<int> RunAsync(NpgsqlConnection connection, Stopwatch clock, CancellationToken cancel)
    {
        var state = await Catalogue.StateAsync(connection, cancel);
        if (state is { State: "done" } done)
        {
            say($"The catalogue was seeded before ({done.Products:N0} products): nothing to do.");
            return 0;
        }

        var people = new People(dataset, shards?.Map.Scheme ?? BucketScheme.Hash());
        var sales = new Sales(dataset, people);
        var load = shards is null ? null : new SeedShards(shards, dataset, people, sales);
        var filled = state is null ? await Catalogue.FilledAsync(connection, cancel) : null;
        if ((filled ?? await (load?.FilledAsync(cancel) ?? Task.FromResult<string?>(null))) is { } table)
        {
            say($"There are rows in {table} that this command did not load: they are left as they are. Delete them, or the database, to seed it.");
            return 1;
        }

        var rebuild = await Catalogue.BeginAsync(connection, dataset.Products, cancel);
        await ExecuteAsync(connection, "UPDATE catalogue SET product_count = 0; ALTER TABLE products DISABLE TRIGGER USER", cancel);
        await LoadSmallTablesAsync(connection, cancel);
        var words = await LoadProductsAsync(sales, cancel);
        say($"{dataset.Products:N0} products, {dataset.Stores.Length:N0} stores, {dataset.Merchants.Length:N0} merchants, {dataset.Categories.Length:N0} categories loaded after {clock.Elapsed.TotalSeconds:0.0} s.");
        if (load is not null)
        {
            await load.RunAsync(cancel);
            say($"{people.Count:N0} accounts, {sales.Orders:N0} orders, {sales.Reviews:N0} reviews loaded after {clock.Elapsed.TotalSeconds:0.0} s.");
        }

        await LoadWordsAsync(connection, words, cancel);
        await Catalogue.RebuildAsync(async token => await OpenAsync(token), rebuild, cancel);
        await FinishAsync(connection, cancel);
        say($"Seeded in {clock.Elapsed.TotalSeconds:0.0} s.");
        return 0;
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancel)
    {
        var connection = await database.OpenConnectionAsync(cancel);
        // A load that a crash loses is begun again anyway, so it need not wait for the disk at each commit.
        await ExecuteAsync(connection, "SET statement_timeout = 0; SET maintenance_work_mem = '256MB'; SET synchronous_commit = off", cancel);
        return connection;
    }

    private async Task LoadSmallTablesAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await Copy.RunAsync(connection, "categories (id, parent_id, slug, name)", dataset.Categories, static async (row, to) =>
        {
            await to.WriteAsync(row.Id);
            await (row.ParentId is { } parent ? to.WriteAsync(parent) : to.WriteNullAsync());
            await to.WriteAsync(row.Slug);
            await to.WriteAsync(row.Name);
        }, cancel);
        await Copy.RunAsync(connection, "merchants (id, name, country, joined_at)", dataset.Merchants, static async (row, to) =>
        {
            await to.WriteAsync(row.Id);
            await to.WriteAsync(row.Name);
            await to.WriteAsync(row.Country);
            await to.WriteAsync(row.JoinedAt);
        }, cancel);
        await Copy.RunAsync(connection, "stores (id, merchant_id, slug, name, city, rating_tenths, popularity, created_at)", dataset.Stores, static async (row, to) =>
        {
            await to.WriteAsync(row.Id);
            await to.WriteAsync(row.MerchantId);
            await to.WriteAsync(row.Slug);
            await to.WriteAsync(row.Name);
            await to.WriteAsync(row.City);
            await to.WriteAsync(row.RatingTenths);
            await to.WriteAsync(row.Popularity);
            await to.WriteAsync(row.CreatedAt);
        }, cancel);
    }

    private async Task<WordCount> LoadProductsAsync(Sales sales, CancellationToken cancel)
    {
        var share = (dataset.Products + Workers - 1) / Workers;
        var counts = await Task.WhenAll(Enumerable.Range(0, Workers)
            .Select(worker => Task.Run(() => LoadProductsAsync(sales, worker * share, Math.Min((worker + 1) * share, dataset.Products), cancel), cancel)));
        foreach (var other in counts.AsSpan(1))
        {
            counts[0].Merge(other);
        }

        foreach (var store in dataset.Stores)
        {
            counts[0].Add(store.Name, store.City);
        }

        return counts[0];
    }

    private async Task<WordCount> LoadProductsAsync(Sales sales, int from, int to, CancellationToken cancel)
    {
        var words = new WordCount();
        await using var connection = await OpenAsync(cancel);
        await ExecuteAsync(
            connection,
            "CREATE TEMPORARY TABLE loaded (LIKE products INCLUDING DEFAULTS); ALTER TABLE loaded ALTER search DROP NOT NULL, ALTER json DROP NOT NULL",
            cancel);
        var rows = Enumerable.Range(from, to - from);
        await Copy.RunAsync(connection, $"loaded ({string.Join(", ", ProductColumns)})", rows, async (index, copy) =>
        {
            var row = dataset.Product(index);
            var rating = sales.RatingOf(index);
            words.Add(row.Name, row.Brand, row.Description, dataset.Categories[row.CategoryId - 1].Name, dataset.Categories[row.DepartmentId - 1].Name);
            await copy.WriteAsync(row.Id);
            await copy.WriteAsync(row.CreatedAt);
            await copy.WriteAsync(row.CreatedAt);
            await copy.WriteAsync(row.CategoryId);
            await copy.WriteAsync(row.DepartmentId);
            await copy.WriteAsync(row.StoreId);
            await copy.WriteAsync(row.MerchantId);
            await copy.WriteAsync(row.PriceCents);
            await copy.WriteAsync(rating.Count);
            await copy.WriteAsync(row.Popularity);
            await copy.WriteAsync(rating.Tenths);
            await copy.WriteAsync(row.IsFeatured);
            await copy.WriteAsync(row.Brand);
            await copy.WriteAsync(row.Name);
            await copy.WriteAsync(row.Description);
        }, cancel);
        // In one statement instead of a trigger a row: less than half of the time.
        await ExecuteAsync(
            connection,
            $"""
            INSERT INTO products ({string.Join(", ", ProductColumns)}, search, json)
            SELECT {string.Join(", ", ProductColumns.Select(column => "p." + column))}, product_search(ROW(p.*)::products, c, d), product_json(ROW(p.*)::products, c, s)
            FROM loaded p JOIN categories c ON c.id = p.category_id JOIN categories d ON d.id = p.department_id JOIN stores s ON s.id = p.store_id;
            DROP TABLE loaded
            """,
            cancel);
        return words;
    }

    private static async Task LoadWordsAsync(NpgsqlConnection connection, WordCount words, CancellationToken cancel)
    {
        await ExecuteAsync(connection, "CREATE TEMPORARY TABLE counted (word text, documents integer)", cancel);
        await Copy.RunAsync(connection, "counted (word, documents)", words.Words, static async (row, to) =>
        {
            await to.WriteAsync(row.Key);
            await to.WriteAsync(row.Value);
        }, cancel);
        // Stop words have no lexeme and are left out.
        await ExecuteAsync(
            connection,
            "INSERT INTO search_words (word, lexeme, documents) SELECT DISTINCT ON (word) word, part.lexeme, documents FROM counted, unnest(to_tsvector('english', word)) part; DROP TABLE counted",
            cancel);
    }

    private static Task FinishAsync(NpgsqlConnection connection, CancellationToken cancel) => ExecuteAsync(
        connection,
        """
        BEGIN;
        SELECT recount_products();
        SELECT refresh_suggestions();
        ALTER TABLE products ENABLE TRIGGER USER;
        SELECT setval(pg_get_serial_sequence('products', 'id'), (SELECT max(id) FROM products));
        UPDATE seed_state SET state = 'done' WHERE part = 'catalogue';
        COMMIT;
        ANALYZE search_suggestions
        """,
        cancel);

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancel);
    }
}
