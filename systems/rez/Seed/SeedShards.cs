using System.Globalization;
using Commons.Data;
using Microsoft.AspNetCore.Identity;
using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Seed;

/// <summary>
/// Loads what is in buckets, each row straight into the database that owns its bucket: accounts, orders, products as their merchants
/// have them, stock, reviews. Each database has its own note of how far it is; the catalogue's note, made at the very end, is the one
/// that counts.
/// </summary>
internal sealed class SeedShards(ShardedStore store, Dataset dataset, People people, Sales sales)
{
    private static readonly LoadedTables Tables = new(
        "shop", ["accounts", "orders", "merchant_orders", "order_lines", "order_events", "stock", "stock_holds", "merchant_products", "reviews", "product_ratings"]);

    /// <summary>Name of a table that has rows of somebody else's; null when none has.</summary>
    public async Task<string?> FilledAsync(CancellationToken cancel)
    {
        foreach (var (_, database) in store.Stores())
        {
            await using var connection = await database.OpenWriterAsync(null, cancel);
            if (await Tables.StateAsync(connection, cancel) is null && await Tables.FilledAsync(connection, cancel) is { } table)
            {
                return table;
            }
        }

        return null;
    }

    /// <summary>Loads everything. The catalogue has its products already: the merchants' are copied from there.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var rebuild = new Dictionary<PostgresStore, string[]>();
        foreach (var (_, database) in store.Stores())
        {
            await using var connection = await OpenAsync(database, cancel);
            rebuild[database] = await Tables.BeginAsync(connection, dataset.Products, cancel);
        }

        await ReserveAsync(cancel);
        await LoadAsync(cancel);
        foreach (var (database, statements) in rebuild)
        {
            await Tables.RebuildAsync(token => OpenAsync(database, token), statements, cancel);
            await using var connection = await database.OpenWriterAsync(null, cancel);
            await Tables.EndAsync(connection, cancel);
        }
    }

    private async Task LoadAsync(CancellationToken cancel)
    {
        var places = new SeedPlaces(store.Map.Scheme, dataset, people, sales);
        var password = new PasswordHasher<object>().HashPassword(this, People.Password); // once: it takes as long as a login
        // Each database in two halves.
        var units = Enumerable.Range(0, store.Map.Scheme.Count).GroupBy(bucket => store.Shard(ShardKey.OfBucket(bucket)).Store)
            .SelectMany(owned => owned.Chunk((owned.Count() + 1) / SeedCommand.Workers).Select(buckets => (Database: owned.Key, Buckets: buckets)));
        await Parallel.ForEachAsync(units, new ParallelOptions { MaxDegreeOfParallelism = SeedCommand.Workers, CancellationToken = cancel }, async (unit, token) =>
        {
            await using var connection = await OpenAsync(unit.Database, token);
            await using var transaction = await connection.BeginTransactionAsync(token);
            // No bucket leaves meanwhile.
            await Sql.ExecuteAsync(Sql.Command(connection, "SELECT tenfold.hold(bucket) FROM unnest($1) bucket ORDER BY bucket", unit.Buckets), token);
            await CopyProductsAsync(connection, unit.Buckets, token);
            var rows = new SeedRows(connection, places, dataset, people, sales);
            await rows.AccountsAsync(unit.Buckets, password, token);
            await rows.OrdersAsync(unit.Buckets, token);
            await rows.StockAsync(unit.Buckets, token);
            await rows.ReviewsAsync(unit.Buckets, token);
            await transaction.CommitAsync(token);
        });
    }

    /// <summary>From the catalogue's database, as bytes.</summary>
    private async Task CopyProductsAsync(NpgsqlConnection to, int[] buckets, CancellationToken cancel)
    {
        await using var from = await OpenAsync(store.Home, cancel);
        var list = string.Join(',', buckets.Select(bucket => bucket.ToString(CultureInfo.InvariantCulture)));
        await using var rows = await from.BeginRawBinaryCopyAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $$"""
                COPY (SELECT m.bucket, p.id, p.merchant_id, 'P' || p.id, p.store_id, p.category_id, p.price_cents, p.is_active, p.is_featured, p.brand, p.name, p.description, p.version, p.version, p.created_at, p.updated_at
                      FROM products p JOIN (SELECT id, tenfold.bucket_of(id::bigint, {{store.Map.Scheme.Count}}) AS bucket FROM merchants) m ON m.id = p.merchant_id
                      WHERE m.bucket = ANY ('{{{list}}}') ORDER BY m.bucket, p.id) TO STDOUT (FORMAT binary)
                """),
            cancel);
        await using var copy = await to.BeginRawBinaryCopyAsync(
            "COPY merchant_products (bucket_id, id, merchant_id, sku, store_id, category_id, price_cents, is_active, is_featured, brand, name, description, version, published, created_at, updated_at) FROM STDIN (FORMAT binary)",
            cancel);
        await rows.CopyToAsync(copy, 1 << 16, cancel);
    }

    /// <summary>E-mail addresses and phone numbers are taken, in all databases (docs/shards.md).</summary>
    private async Task ReserveAsync(CancellationToken cancel)
    {
        await using var connection = await OpenAsync(store.Home, cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);
        await Sql.ExecuteAsync(Sql.Command(connection, "DELETE FROM tenfold.shard_reservations WHERE kind IN ('email', 'phone')"), cancel);
        var values = Enumerable.Range(1, people.Count).Select(people.Account)
            .SelectMany(account => new[] { (Kind: "email", Value: account.Email, account.Number), (Kind: "phone", Value: account.Phone ?? "", account.Number) })
            .Where(value => value.Value.Length > 0);
        await Copy.RunAsync(connection, "tenfold.shard_reservations (kind, value, token, bucket, confirmed, expires_at)", values, async (value, to) =>
        {
            await to.WriteAsync(value.Kind);
            await to.WriteAsync(value.Value);
            await to.WriteAsync(Guid.NewGuid());
            await to.WriteAsync(people.BucketOf(value.Number));
            await to.WriteAsync(true);
            await to.WriteAsync(DateTime.UnixEpoch);
        }, cancel);
        await transaction.CommitAsync(cancel);
    }

    private static async ValueTask<NpgsqlConnection> OpenAsync(PostgresStore database, CancellationToken cancel)
    {
        var connection = await database.OpenWriterAsync(null, cancel);
        try
        {
            // Ends with the connection's next use by others: the pool resets it. A load that a crash loses is begun again.
            await Sql.ExecuteAsync(Sql.Command(connection, "SET statement_timeout = 0; SET maintenance_work_mem = '256MB'; SET synchronous_commit = off"), cancel);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
