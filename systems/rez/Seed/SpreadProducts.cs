using System.Globalization;
using Commons.Data;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Seed;

/// <summary>
/// Gives every database the products of its merchants, from a catalogue that has just been loaded: server to server, as bytes. What
/// was there before is replaced.
/// </summary>
internal sealed class SpreadProducts(ShardedStore store)
{
    private const string Columns = "bucket_id, id, merchant_id, sku, store_id, category_id, price_cents, is_active, is_featured, brand, name, description, version, published, created_at, updated_at";

    public async Task RunAsync(CancellationToken cancel)
    {
        var shards = Enumerable.Range(0, store.Map.Scheme.Count).Select(bucket => store.Shard(ShardKey.OfBucket(bucket))).GroupBy(shard => shard.Store, shard => shard.Bucket);
        await Parallel.ForEachAsync(shards, new ParallelOptions { MaxDegreeOfParallelism = 2, CancellationToken = cancel }, async (shard, token) => await FillAsync(shard.Key, [.. shard], token));
    }

    private async Task FillAsync(PostgresStore database, int[] buckets, CancellationToken cancel)
    {
        await using var to = await database.OpenWriterAsync(null, cancel);
        await using var transaction = await to.BeginTransactionAsync(cancel);
        // No bucket leaves meanwhile.
        await Sql.ExecuteAsync(Sql.Command(to, "SELECT tenfold.hold(bucket) FROM unnest($1) bucket ORDER BY bucket", buckets), cancel);
        await Sql.ExecuteAsync(Sql.Command(to, "DELETE FROM merchant_products"), cancel);
        await using (var from = await store.Home.OpenWriterAsync(null, cancel))
        {
            var list = string.Join(',', buckets.Select(bucket => bucket.ToString(CultureInfo.InvariantCulture)));
            await using var rows = await from.BeginRawBinaryCopyAsync(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $$"""
                    COPY (SELECT m.bucket, p.id, p.merchant_id, 'P' || p.id, p.store_id, p.category_id, p.price_cents, p.is_active, p.is_featured, p.brand, p.name, p.description, p.version, p.version, p.created_at, p.updated_at
                          FROM products p JOIN (SELECT id, tenfold.bucket_of(id::bigint, {{store.Map.Scheme.Count}}) AS bucket FROM merchants) m ON m.id = p.merchant_id
                          WHERE m.bucket = ANY ('{{{list}}}')) TO STDOUT (FORMAT binary)
                    """),
                cancel);
            await using var copy = await to.BeginRawBinaryCopyAsync($"COPY merchant_products ({Columns}) FROM STDIN (FORMAT binary)", cancel);
            await rows.CopyToAsync(copy, 1 << 16, cancel);
        }

        // Everything there is can be ordered, one product of a hundred is sold out.
        await Sql.ExecuteAsync(Sql.Command(to, "DELETE FROM stock_holds"), cancel);
        await Sql.ExecuteAsync(Sql.Command(to, "DELETE FROM stock"), cancel);
        await Sql.ExecuteAsync(
            Sql.Command(
                to,
                """
                INSERT INTO stock (bucket_id, product_id, merchant_id, received, available)
                SELECT bucket_id, id, merchant_id, n, n FROM merchant_products, LATERAL (SELECT CASE WHEN id % 100 = 99 THEN 0 ELSE 500 + (id * 7919 % 1500)::integer END) counted(n)
                """),
            cancel);
        await transaction.CommitAsync(cancel);
    }
}
