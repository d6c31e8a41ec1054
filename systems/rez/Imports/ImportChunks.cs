using Commons.Data;
using Rez.Products;
using Tenfold.Postgres.Shards;

namespace Rez.Imports;

/// <summary>What the lines of an import may refer to.</summary>
/// <param name="Categories">Every category.</param>
/// <param name="Stores">The merchant's stores, the oldest first: new products go there unless the file says otherwise.</param>
internal sealed record ImportTargets(int[] Categories, int[] Stores);

/// <summary>Applies staged lines to the merchant's products, one piece a transaction: what was applied is no longer staged, so whoever goes on goes on there.</summary>
internal sealed class ImportChunks(ShardedStore store)
{
    /// <summary>Lines of a piece: some 20 ms, so that a bucket that is to be moved need not wait.</summary>
    public const int Lines = 500;

    // $1 bucket, $2 import, $3 lines, $4 merchant, $5 categories, $6 stores, $7 ids for new products, $8 errors that are kept.
    private const string Apply =
        $"""
        WITH taken AS (
            DELETE FROM import_rows WHERE bucket_id = $1 AND import_id = $2 AND line > (SELECT position FROM imports WHERE bucket_id = $1 AND id = $2) AND line <= (
                SELECT max(line) FROM (SELECT line FROM import_rows
                    WHERE bucket_id = $1 AND import_id = $2 AND line > (SELECT position FROM imports WHERE bucket_id = $1 AND id = $2) ORDER BY line LIMIT $3) next)
            RETURNING *),
        checked AS MATERIALIZED (
            SELECT t.*, m.id AS known,
                t.name <> m.name OR t.brand <> m.brand OR t.description <> m.description OR t.price_cents <> m.price_cents OR t.category_id <> m.category_id
                    OR t.store_id <> m.store_id OR t.is_active <> m.is_active OR t.is_featured <> m.is_featured AS says_otherwise,
                CASE
                    WHEN m.import_id = $2 OR row_number() OVER (PARTITION BY t.sku ORDER BY t.line) > 1 THEN 'sku: is in this file before; each product may be in it once'
                    WHEN t.category_id <> ALL ($5) THEN 'categoryId: there is no category ' || t.category_id
                    WHEN t.store_id <> ALL ($6) THEN 'storeId: store ' || t.store_id || ' is not one of this merchant''s'
                    WHEN m.id IS NOT NULL THEN NULL
                    WHEN t.name IS NULL OR t.brand IS NULL OR t.price_cents IS NULL OR t.category_id IS NULL THEN 'is a new product, and lacks '
                        || concat_ws(', ', CASE WHEN t.name IS NULL THEN 'name' END, CASE WHEN t.brand IS NULL THEN 'brand' END, CASE WHEN t.price_cents IS NULL THEN 'price' END, CASE WHEN t.category_id IS NULL THEN 'categoryId' END)
                    WHEN t.store_id IS NULL AND cardinality($6) = 0 THEN 'storeId: this merchant has no store'
                END AS problem
            FROM taken t LEFT JOIN LATERAL (SELECT * FROM merchant_products WHERE bucket_id = $1 AND merchant_id = $4 AND sku = t.sku OFFSET 0) m ON true),
        created AS (
            INSERT INTO merchant_products (bucket_id, id, merchant_id, sku, import_id, store_id, category_id, price_cents, is_active, is_featured, brand, name, description)
            SELECT $1, ($7)[(row_number() OVER (ORDER BY line))::integer], $4, sku, $2, coalesce(store_id, ($6)[1]), category_id, price_cents, coalesce(is_active, true), coalesce(is_featured, false), brand, name, coalesce(description, '')
            FROM checked WHERE problem IS NULL AND known IS NULL
            RETURNING {MerchantProduct.Columns}),
        changed AS (
            UPDATE merchant_products m SET name = coalesce(c.name, m.name), brand = coalesce(c.brand, m.brand), description = coalesce(c.description, m.description),
                price_cents = coalesce(c.price_cents, m.price_cents), category_id = coalesce(c.category_id, m.category_id), store_id = coalesce(c.store_id, m.store_id),
                is_active = coalesce(c.is_active, m.is_active), is_featured = coalesce(c.is_featured, m.is_featured),
                import_id = $2, version = m.version + coalesce(c.says_otherwise, false)::integer, updated_at = CASE WHEN c.says_otherwise THEN now() ELSE m.updated_at END
            FROM checked c WHERE m.bucket_id = $1 AND m.id = c.known AND c.problem IS NULL
            RETURNING {MerchantProduct.ColumnsOfM}, coalesce(c.says_otherwise, false) AS differs),
        wrong AS (
            INSERT INTO import_errors (bucket_id, import_id, line, message)
            SELECT $1, $2, line, problem FROM checked WHERE problem IS NOT NULL
            ORDER BY line LIMIT greatest(0, $8 - (SELECT count(*) FROM import_errors WHERE bucket_id = $1 AND import_id = $2))),
        counted AS (
            UPDATE imports SET position = coalesce((SELECT max(line) FROM checked), position),
                created = created + (SELECT count(*) FROM created), updated = updated + (SELECT count(*) FROM changed WHERE differs),
                unchanged = unchanged + (SELECT count(*) FROM changed WHERE NOT differs), rejected = rejected + (SELECT count(*) FROM checked WHERE problem IS NOT NULL),
                touched_at = now(), changes = changes + 1
            WHERE bucket_id = $1 AND id = $2)
        SELECT {MerchantProduct.Columns} FROM created UNION ALL SELECT {MerchantProduct.Columns} FROM changed WHERE differs
        """;

    /// <summary>Applies the next lines.</summary>
    /// <param name="import">The import.</param>
    /// <param name="targets">What its lines may refer to.</param>
    /// <param name="ids">Numbers for new products, <see cref="Lines"/> of them.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>The import as it is now, and the products that the catalogue has to follow.</returns>
    public Task<(Import? Import, List<MerchantProduct> Changed)> ApplyAsync(Import import, ImportTargets targets, long[] ids, CancellationToken cancel) => store.WriteAsync(
        import.MerchantId,
        async (write, token) =>
        {
            // One piece of a merchant's imports at a time, also when a worker that was presumed dead goes on. Statistics know nothing of a file that
            // is just being applied: without the settings (and OFFSET 0) a plan may read all of the merchant's products for each piece or line. The limit of 5 s is for requests: a machine that is behind is no failure here.
            await Sql.ExecuteAsync(
                Sql.Command(write.Connection, "SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('statement_timeout', '30s', true), pg_advisory_xact_lock(hashtext('rez import'), $1)", import.MerchantId),
                token);
            var changed = await Sql.ListAsync(
                Sql.Command(write.Connection, Apply, write.Bucket, import.Number.Value, Lines, import.MerchantId, targets.Categories, targets.Stores, ids, Files.ImportReader.MostErrors), MerchantProduct.Read, token);
            var now = await Sql.OneAsync(
                Sql.Command(write.Connection, $"SELECT {Import.Columns} FROM imports WHERE bucket_id = $1 AND id = $2", write.Bucket, import.Number.Value), Import.Read, token);
            return (now, changed);
        },
        null,
        cancel);
}
