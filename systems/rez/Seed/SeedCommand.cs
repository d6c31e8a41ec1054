using System.Diagnostics;
using Npgsql;

namespace Rez.Seed;

/// <summary>
/// Fills an empty catalogue. Two workers load by COPY and render what they loaded in one statement; then the indexes are built, also two at a time.
/// A load that was killed half-way leaves the state "loading": the next one empties the tables and begins again.
/// A finished load is not repeated, and a catalogue with rows of someone else's is not touched.
/// </summary>
/// <param name="database">The catalogue's database, on its primary.</param>
/// <param name="dataset">What is loaded.</param>
/// <param name="say">Gets what is done.</param>
/// <param name="spread">Gives the products to their merchants' databases, once they are loaded.</param>
internal sealed class SeedCommand(NpgsqlDataSource database, Dataset dataset, Action<string> say, Func<CancellationToken, Task> spread)
{
    private const int Workers = 2;
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
        if (await StateAsync(connection, cancel) is { State: "done" } done)
        {
            say($"The catalogue was seeded before ({done.Products:N0} products): nothing to do.");
            return 0;
        }

        if (await StateAsync(connection, cancel) is null && await ScalarAsync<bool>(connection, "SELECT EXISTS (SELECT 1 FROM products)", cancel))
        {
            say("The catalogue has products that this command did not load: it is left as it is. Delete them, or the database, to seed it.");
            return 1;
        }

        var rebuild = await BeginAsync(connection, cancel);
        await LoadSmallTablesAsync(connection, cancel);
        var words = await LoadProductsAsync(cancel);
        say($"{dataset.Products:N0} products, {dataset.Stores.Length:N0} stores, {dataset.Merchants.Length:N0} merchants, {dataset.Categories.Length:N0} categories loaded after {clock.Elapsed.TotalSeconds:0.0} s.");
        await spread(cancel);
        await LoadWordsAsync(connection, words, cancel);
        await RebuildAsync(connection, rebuild, cancel);
        await FinishAsync(connection, cancel);
        await ExecuteAsync(connection, "VACUUM ANALYZE", cancel);
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

    private static async Task<(string State, int Products)?> StateAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("SELECT state, products FROM seed_state", connection);
        await using var reader = await command.ExecuteReaderAsync(cancel);
        return await reader.ReadAsync(cancel) ? (reader.GetString(0), reader.GetInt32(1)) : null;
    }

    /// <summary>Empties the tables, takes indexes, foreign keys and counting triggers off, and writes down what must come back.</summary>
    private async Task<string[]> BeginAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await using (var remember = new NpgsqlCommand(
            """
            INSERT INTO seed_state (state, products, rebuild)
            SELECT 'loading', $1, coalesce(array_agg(statement), '{}') FROM (
                SELECT pg_get_indexdef(indexrelid) FROM pg_index
                WHERE indrelid IN ('products'::regclass, 'search_words'::regclass) AND NOT indisprimary
                UNION ALL
                SELECT format('ALTER TABLE products ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
                WHERE conrelid = 'products'::regclass AND contype = 'f') later (statement)
            ON CONFLICT (one) DO UPDATE SET products = excluded.products -- killed half-way: what was written down then still holds
            """,
            connection))
        {
            remember.Parameters.Add(new NpgsqlParameter<int> { TypedValue = dataset.Products });
            await remember.ExecuteNonQueryAsync(cancel);
        }

        await ExecuteAsync(
            connection,
            """
            TRUNCATE products, stores, merchants, categories, search_words;
            UPDATE catalogue SET product_count = 0;
            ALTER TABLE products DISABLE TRIGGER USER;
            DO $$
            DECLARE name text;
            BEGIN
                FOR name IN SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid IN ('products'::regclass, 'search_words'::regclass) AND NOT indisprimary
                LOOP EXECUTE 'DROP INDEX ' || name; END LOOP;
                FOR name IN SELECT conname FROM pg_constraint WHERE conrelid = 'products'::regclass AND contype = 'f'
                LOOP EXECUTE format('ALTER TABLE products DROP CONSTRAINT %I', name); END LOOP;
            END $$
            """,
            cancel);
        var rebuild = await ScalarAsync<string[]>(connection, "SELECT rebuild FROM seed_state", cancel);
        await transaction.CommitAsync(cancel);
        return rebuild;
    }

    private async Task LoadSmallTablesAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await CopyAsync(connection, "categories (id, parent_id, slug, name)", dataset.Categories, static async (row, to) =>
        {
            await to.WriteAsync(row.Id);
            await (row.ParentId is { } parent ? to.WriteAsync(parent) : to.WriteNullAsync());
            await to.WriteAsync(row.Slug);
            await to.WriteAsync(row.Name);
        }, cancel);
        await CopyAsync(connection, "merchants (id, name, country, joined_at)", dataset.Merchants, static async (row, to) =>
        {
            await to.WriteAsync(row.Id);
            await to.WriteAsync(row.Name);
            await to.WriteAsync(row.Country);
            await to.WriteAsync(row.JoinedAt);
        }, cancel);
        await CopyAsync(connection, "stores (id, merchant_id, slug, name, city, rating_tenths, popularity, created_at)", dataset.Stores, static async (row, to) =>
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

    private async Task<WordCount> LoadProductsAsync(CancellationToken cancel)
    {
        var share = (dataset.Products + Workers - 1) / Workers;
        var counts = await Task.WhenAll(Enumerable.Range(0, Workers)
            .Select(worker => Task.Run(() => LoadProductsAsync(worker * share, Math.Min((worker + 1) * share, dataset.Products), cancel), cancel)));
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

    private async Task<WordCount> LoadProductsAsync(int from, int to, CancellationToken cancel)
    {
        var words = new WordCount();
        await using var connection = await OpenAsync(cancel);
        await ExecuteAsync(
            connection,
            "CREATE TEMPORARY TABLE loaded (LIKE products INCLUDING DEFAULTS); ALTER TABLE loaded ALTER search DROP NOT NULL, ALTER json DROP NOT NULL",
            cancel);
        var rows = Enumerable.Range(from, to - from).Select(dataset.Product);
        await CopyAsync(connection, $"loaded ({string.Join(", ", ProductColumns)})", rows, async (row, copy) =>
        {
            words.Add(row.Name, row.Brand, row.Description, dataset.Categories[row.CategoryId - 1].Name, dataset.Categories[row.DepartmentId - 1].Name);
            await copy.WriteAsync(row.Id);
            await copy.WriteAsync(row.CreatedAt);
            await copy.WriteAsync(row.CreatedAt);
            await copy.WriteAsync(row.CategoryId);
            await copy.WriteAsync(row.DepartmentId);
            await copy.WriteAsync(row.StoreId);
            await copy.WriteAsync(row.MerchantId);
            await copy.WriteAsync(row.PriceCents);
            await copy.WriteAsync(row.ReviewCount);
            await copy.WriteAsync(row.Popularity);
            await copy.WriteAsync(row.RatingTenths);
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
        await CopyAsync(connection, "counted (word, documents)", words.Words, static async (row, to) =>
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

    private async Task RebuildAsync(NpgsqlConnection connection, string[] statements, CancellationToken cancel)
    {
        // The long ones (gin) first, so that both workers end at about the same time.
        var indexes = statements.Where(statement => statement.StartsWith("CREATE", StringComparison.Ordinal))
            .OrderByDescending(statement => statement.Contains("USING gin", StringComparison.Ordinal)).ToArray();
        await Parallel.ForEachAsync(indexes, new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = cancel }, async (statement, token) =>
        {
            await using var worker = await OpenAsync(token);
            await ExecuteAsync(worker, statement, token);
        });
        foreach (var key in statements.Except(indexes, StringComparer.Ordinal))
        {
            await ExecuteAsync(connection, key, cancel);
        }
    }

    private static Task FinishAsync(NpgsqlConnection connection, CancellationToken cancel) => ExecuteAsync(
        connection,
        """
        BEGIN;
        SELECT recount_products();
        ALTER TABLE products ENABLE TRIGGER USER;
        SELECT setval(pg_get_serial_sequence('products', 'id'), (SELECT max(id) FROM products));
        UPDATE seed_state SET state = 'done';
        COMMIT
        """,
        cancel);

    private static async Task CopyAsync<T>(NpgsqlConnection connection, string target, IEnumerable<T> rows, Func<T, NpgsqlBinaryImporter, Task> write, CancellationToken cancel)
    {
        await using var copy = await connection.BeginBinaryImportAsync($"COPY {target} FROM STDIN (FORMAT binary)", cancel);
        foreach (var row in rows)
        {
            await copy.StartRowAsync(cancel);
            await write(row, copy);
        }

        await copy.CompleteAsync(cancel);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancel);
    }

    private static async Task<T> ScalarAsync<T>(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(cancel))!;
    }
}
