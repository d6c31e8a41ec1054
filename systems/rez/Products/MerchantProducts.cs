using Npgsql;
using System.Globalization;
using System.Text.Json.Nodes;
using Commons.Audit;
using Commons.Data;
using Rez.Search;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Products;

/// <summary>A product as its merchant has it.</summary>
internal sealed record MerchantProduct
{
    public required long Id { get; init; }

    public required int MerchantId { get; init; }

    public required int CategoryId { get; init; }

    public required int PriceCents { get; init; }

    public required bool IsActive { get; init; }

    public required bool IsFeatured { get; init; }

    public required string Brand { get; init; }

    public required string Name { get; init; }

    public required string Description { get; init; }

    public required int Version { get; init; }

    public required DateTime CreatedAt { get; init; }

    public required DateTime UpdatedAt { get; init; }

    public required int StoreId { get; init; }

    /// <summary>The merchant's own key of it.</summary>
    public required string Sku { get; init; }

    /// <summary>Its images that can be served, as JSON.</summary>
    public required string Images { get; init; }

    /// <summary>The newest version that the catalogue is known to have.</summary>
    public required int Published { get; init; }

    internal const string Columns = "id, merchant_id, category_id, price_cents, is_active, is_featured, brand, name, description, version, created_at, updated_at, store_id, sku, images, published";

    /// <summary>The same of the table that is called m.</summary>
    internal const string ColumnsOfM = "m.id, m.merchant_id, m.category_id, m.price_cents, m.is_active, m.is_featured, m.brand, m.name, m.description, m.version, m.created_at, m.updated_at, m.store_id, m.sku, m.images, m.published";

    internal static MerchantProduct Read(NpgsqlDataReader row) => new()
    {
        Id = row.GetInt64(0),
        MerchantId = row.GetInt32(1),
        CategoryId = row.GetInt32(2),
        PriceCents = row.GetInt32(3),
        IsActive = row.GetBoolean(4),
        IsFeatured = row.GetBoolean(5),
        Brand = row.GetString(6),
        Name = row.GetString(7),
        Description = row.GetString(8),
        Version = row.GetInt32(9),
        CreatedAt = row.GetDateTime(10),
        UpdatedAt = row.GetDateTime(11),
        StoreId = row.GetInt32(12),
        Sku = row.GetString(13),
        Images = row.GetString(14),
        Published = row.GetInt32(15),
    };
}

/// <summary>Products at their merchant's database: what a merchant changes. The catalogue follows (<see cref="Catalogue"/>).</summary>
internal sealed class MerchantProducts(ShardedStore store, AuditLog audit, Freshness freshness, TimeProvider time)
{
    private const string Update =
        $"""
        UPDATE merchant_products SET name = coalesce($3, name), brand = coalesce($4, brand), description = coalesce($5, description),
            price_cents = coalesce($6, price_cents), category_id = coalesce($7, category_id), is_active = coalesce($8, is_active),
            is_featured = coalesce($9, is_featured), version = version + 1, updated_at = now()
        WHERE bucket_id = $1 AND id = $2 AND ($10 IS NULL OR version = $10) RETURNING {MerchantProduct.Columns}
        """;

    private const string OfSku = $"SELECT {MerchantProduct.Columns} FROM merchant_products WHERE bucket_id = $1 AND merchant_id = $2 AND sku = $3";

    private const string Insert =
        $"""
        INSERT INTO merchant_products (bucket_id, id, merchant_id, sku, store_id, category_id, price_cents, is_active, is_featured, brand, name, description)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (bucket_id, merchant_id, sku) DO NOTHING RETURNING {MerchantProduct.Columns}
        """;

    /// <summary>A merchant's products, the newest first, from the one after <paramref name="after"/> on.</summary>
    public async Task<List<MerchantProduct>> ListAsync(int merchant, (DateTime CreatedAt, long Id)? after, int limit, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(merchant);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.ListAsync(
            Sql.Command(
                connection,
                $"SELECT {MerchantProduct.Columns} FROM merchant_products WHERE bucket_id = $1 AND merchant_id = $2 AND (created_at, id) < ($3, $4) ORDER BY created_at DESC, id DESC LIMIT $5",
                shard.Bucket,
                merchant,
                after?.CreatedAt ?? DateTime.MaxValue,
                after?.Id ?? long.MaxValue,
                limit),
            MerchantProduct.Read,
            cancel);
    }

    /// <summary>One product; null when the merchant has no such one.</summary>
    public async Task<MerchantProduct?> FindAsync(int merchant, long id, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(merchant);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.OneAsync(
            Sql.Command(connection, $"SELECT {MerchantProduct.Columns} FROM merchant_products WHERE bucket_id = $1 AND id = $2 AND merchant_id = $3", shard.Bucket, id, merchant),
            MerchantProduct.Read,
            cancel);
    }

    /// <summary>The product with the merchant's own key: one or none.</summary>
    public async Task<List<MerchantProduct>> OfSkuAsync(int merchant, string sku, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(merchant);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.ListAsync(Sql.Command(connection, OfSku, shard.Bucket, merchant, sku), MerchantProduct.Read, cancel);
    }

    /// <summary>The same of this moment, whatever replicas know.</summary>
    public async Task<MerchantProduct?> OfSkuNowAsync(int merchant, string sku, CancellationToken cancel)
    {
        var shard = store.Shard(merchant);
        await using var connection = await shard.Store.OpenWriterAsync(null, cancel);
        return await Sql.OneAsync(Sql.Command(connection, OfSku, shard.Bucket, merchant, sku), MerchantProduct.Read, cancel);
    }

    /// <summary>Makes a product.</summary>
    /// <param name="merchant">Whose.</param>
    /// <param name="id">Its number, of the catalogue's sequence.</param>
    /// <param name="productStore">One of the merchant's stores.</param>
    /// <param name="product">What is said of it, checked.</param>
    /// <param name="actor">Who makes it, for the audit log.</param>
    /// <param name="caller">Sees it from then on.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>Null: the merchant has a product with this sku.</returns>
    public Task<MerchantProduct?> CreateAsync(int merchant, long id, int productStore, NewProduct product, Actor actor, Caller? caller, CancellationToken cancel) => store.WriteAsync(
        merchant,
        async (write, token) =>
        {
            var created = await Sql.OneAsync(
                Sql.Command(
                    write.Connection,
                    Insert,
                    write.Bucket,
                    id,
                    merchant,
                    product.Sku,
                    productStore,
                    product.CategoryId,
                    (int)(product.Price!.Value * 100),
                    product.IsActive ?? true,
                    product.IsFeatured ?? false,
                    product.Brand,
                    product.Name,
                    product.Description ?? ""),
                MerchantProduct.Read,
                token);
            if (created is not null)
            {
                await audit.WriteAsync(write, actor, "product.create", Subject(id), null, Shown(created), token);
            }

            if (created is not null && product.Stock is > 0 and var stock)
            {
                await Sql.ExecuteAsync(
                    Sql.Command(write.Connection, "INSERT INTO stock (bucket_id, product_id, merchant_id, received, available) VALUES ($1, $2, $3, $4, $4)", write.Bucket, id, merchant, stock), token);
            }

            return created;
        },
        caller,
        cancel);

    /// <summary>Changes what is given, at that version when one is given; the audit log says who has changed what.</summary>
    /// <returns>The product as it is now; null when there is none, or not at that version.</returns>
    public Task<MerchantProduct?> ChangeAsync(int merchant, long id, ProductChange change, int? version, Actor actor, Caller? caller, CancellationToken cancel) => store.WriteAsync(
        merchant,
        async (write, token) =>
        {
            var before = await Sql.OneAsync(
                Sql.Command(write.Connection, $"SELECT {MerchantProduct.Columns} FROM merchant_products WHERE bucket_id = $1 AND id = $2 FOR UPDATE", write.Bucket, id), MerchantProduct.Read, token);
            var after = before is null ? null : await UpdateAsync(write, id, change, version, token);
            if (after is not null && Differences(before!, after) is { Before.Count: > 0 } differences)
            {
                await audit.WriteAsync(write, actor, "product.update", Subject(id), differences.Before, differences.After, token);
            }

            return after;
        },
        caller,
        cancel);

    private static async Task<MerchantProduct?> UpdateAsync(ShardTransaction write, long id, ProductChange change, int? version, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(Update, write.Connection);
        Add<int>(write.Bucket);
        Add<long>(id);
        Add(change.Name);
        Add(change.Brand);
        Add(change.Description);
        Add(change.Price is { } price ? (int?)(price * 100) : null);
        Add(change.CategoryId);
        Add(change.IsActive);
        Add(change.IsFeatured);
        Add(version);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        return await rows.ReadAsync(cancel) ? MerchantProduct.Read(rows) : null;

        void Add<T>(T value) => command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
    }

    private static string Subject(long id) => string.Create(CultureInfo.InvariantCulture, $"product:{id}");

    /// <summary>What staff can change of a product.</summary>
    private static JsonObject Shown(MerchantProduct product) => new()
    {
        ["sku"] = product.Sku,
        ["name"] = product.Name,
        ["brand"] = product.Brand,
        ["description"] = product.Description,
        ["price"] = product.PriceCents / 100m,
        ["categoryId"] = product.CategoryId,
        ["isActive"] = product.IsActive,
        ["isFeatured"] = product.IsFeatured,
    };

    private static (JsonObject Before, JsonObject After) Differences(MerchantProduct before, MerchantProduct after)
    {
        var (was, becomes) = (Shown(before), Shown(after));
        foreach (var name in was.Select(field => field.Key).Where(name => JsonNode.DeepEquals(was[name], becomes[name])).ToList())
        {
            was.Remove(name);
            becomes.Remove(name);
        }

        return (was, becomes);
    }

    /// <summary>Notes that the catalogue has these versions, or later ones.</summary>
    /// <param name="merchant">The merchant of all of them.</param>
    /// <param name="published">The products.</param>
    /// <param name="cancel">Ends the wait.</param>
    public async Task PublishedAsync(int merchant, IReadOnlyList<MerchantProduct> published, CancellationToken cancel)
    {
        foreach (var product in published)
        {
            freshness.Count(product.UpdatedAt, time.GetUtcNow());
        }

        await using var batch = new NpgsqlBatch();
        batch.BatchCommands.Add(Sql.InBatch(
            "UPDATE merchant_products m SET published = p.version FROM unnest($2, $3) p(id, version) WHERE m.bucket_id = $1 AND m.id = p.id AND m.published < p.version",
            store.Map.BucketOf(merchant),
            published.Select(product => product.Id).ToArray(),
            published.Select(product => product.Version).ToArray()));
        await store.ExecuteAsync(merchant, batch, null, cancel);
    }

    /// <summary>A merchant's products whose newest version the catalogue is not known to have.</summary>
    public async Task<List<MerchantProduct>> UnpublishedAsync(int merchant, int limit, CancellationToken cancel)
    {
        var shard = store.Shard(merchant);
        await using var connection = await shard.Store.OpenWriterAsync(null, cancel); // a replica may not have them yet
        return await Sql.ListAsync(
            Sql.Command(connection, $"SELECT {MerchantProduct.Columns} FROM merchant_products WHERE published < version AND bucket_id = $1 AND merchant_id = $2 ORDER BY updated_at, id LIMIT $3", shard.Bucket, merchant, limit),
            MerchantProduct.Read,
            cancel);
    }

    /// <summary>Products whose newest version the catalogue is not known to have, changed longer ago than <paramref name="age"/>, the oldest first.</summary>
    public async Task<IReadOnlyList<MerchantProduct>> UnpublishedAsync(TimeSpan age, int limit, CancellationToken cancel) => (await store.ScatterAsync(
        new ScatterQuery<MerchantProduct>
        {
            Sql = $"SELECT {MerchantProduct.Columns} FROM merchant_products WHERE published < version AND bucket_id = ANY ($1) AND updated_at < now() - $3::interval ORDER BY updated_at, id LIMIT $2",
            Values = [age],
            Read = MerchantProduct.Read,
            Order = Comparer<MerchantProduct>.Create((a, b) => (a.UpdatedAt, a.Id).CompareTo((b.UpdatedAt, b.Id))),
            Limit = limit,
        },
        null,
        cancel)).Rows;
}
