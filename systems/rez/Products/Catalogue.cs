using Npgsql;
using Commons.Data;
using Commons.Http;
using Tenfold.Postgres;

namespace Rez.Products;

/// <summary>Who a product belongs to.</summary>
/// <param name="Merchant">Its merchant, at whose database it is changed.</param>
/// <param name="HasCategory">Whether there is the category that was asked about.</param>
internal sealed record ProductPlace(int Merchant, bool HasCategory);

/// <summary>
/// The products that customers read, those of all merchants in one table: what lists, search and counters need. It follows what the
/// merchants say, version by version.
/// </summary>
internal sealed class Catalogue(PostgresStore database)
{
    private const string Follow =
        """
        UPDATE products SET name = $2, brand = $3, description = $4, price_cents = $5, category_id = $6, is_active = $7, is_featured = $8, version = $9, updated_at = $10, store_id = $11, images = $12
        WHERE id = $1 AND version < $9 RETURNING json, version
        """;

    // The rendering is made for all rows in one go, which takes less than half of a trigger a row.
    private const string FollowMany =
        """
        INSERT INTO products (id, created_at, updated_at, category_id, department_id, store_id, merchant_id, price_cents, review_count, popularity, version, rating_tenths, is_active, is_featured, brand, name, description, search, json, images)
        SELECT p.id, p.created_at, p.updated_at, p.category_id, p.department_id, p.store_id, p.merchant_id, p.price_cents, p.review_count, p.popularity, p.version, p.rating_tenths, p.is_active, p.is_featured, p.brand, p.name, p.description,
            product_search(ROW(p.*)::products, c, d), product_json(ROW(p.*)::products, c, s), p.images
        FROM (
            SELECT f.id, f.created_at, f.updated_at, f.category_id, coalesce(c.parent_id, c.id) AS department_id, f.store_id, s.merchant_id, f.price_cents, coalesce(e.review_count, 0) AS review_count, coalesce(e.popularity, 0) AS popularity,
                f.version, coalesce(e.rating_tenths, 0::smallint) AS rating_tenths, f.is_active, f.is_featured, f.brand, f.name, f.description, NULL::tsvector AS search, NULL::text AS json, f.images
            FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) f(id, created_at, updated_at, category_id, store_id, price_cents, version, is_active, is_featured, brand, name, description, images)
                JOIN categories c ON c.id = f.category_id JOIN stores s ON s.id = f.store_id LEFT JOIN products e ON e.id = f.id
            WHERE e.id IS NULL OR e.version < f.version
            OFFSET 0) p JOIN categories c ON c.id = p.category_id JOIN categories d ON d.id = p.department_id JOIN stores s ON s.id = p.store_id
        ON CONFLICT (id) DO UPDATE SET updated_at = excluded.updated_at, category_id = excluded.category_id, department_id = excluded.department_id, store_id = excluded.store_id, merchant_id = excluded.merchant_id,
            price_cents = excluded.price_cents, version = excluded.version, is_active = excluded.is_active, is_featured = excluded.is_featured, brand = excluded.brand, name = excluded.name, description = excluded.description,
            search = excluded.search, json = excluded.json, images = excluded.images
        WHERE products.version < excluded.version
        """;

    /// <summary>Where to change a product; null when there is none.</summary>
    public ValueTask<ProductPlace?> FindAsync(long id, int? category, Caller caller, CancellationToken cancel) => database.ReadAsync(
        caller,
        (id, category),
        static async (connection, wanted, token) =>
        {
            await using var command = new NpgsqlCommand("SELECT merchant_id, $2 IS NULL OR EXISTS (SELECT FROM categories WHERE id = $2) FROM products WHERE id = $1", connection);
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = wanted.id });
            command.Parameters.Add(new NpgsqlParameter<int?> { TypedValue = wanted.category });
            await using var row = await command.ExecuteReaderAsync(token);
            return await row.ReadAsync(token) ? new ProductPlace(row.GetInt32(0), row.GetBoolean(1)) : null;
        },
        cancel);

    /// <summary>Brings the catalogue to this version, unless it has it or a later one; may be done again.</summary>
    /// <param name="product">The product as its merchant has it.</param>
    /// <param name="reply">Gets its JSON; empty when the catalogue has no such product.</param>
    /// <param name="caller">Sees it from then on.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>The version that the catalogue has now; null when it has no such product.</returns>
    public ValueTask<int?> PublishAsync(MerchantProduct product, Reply reply, Caller? caller, CancellationToken cancel) => database.WriteAsync(
        caller,
        (product, reply),
        static async (connection, wanted, token) =>
        {
            var product = wanted.product;
            await using var follow = new NpgsqlCommand(Follow, connection);
            Add(product.Id);
            Add(product.Name);
            Add(product.Brand);
            Add(product.Description);
            Add(product.PriceCents);
            Add(product.CategoryId);
            Add(product.IsActive);
            Add(product.IsFeatured);
            Add(product.Version);
            Add(product.UpdatedAt);
            Add(product.StoreId);
            Add(product.Images);
            if (await ReadAsync(follow, wanted.reply, token) is { } version)
            {
                return version;
            }

            // It is there already, in this version or a later one.
            await using var find = new NpgsqlCommand("SELECT json, version FROM products WHERE id = $1", connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = product.Id } } };
            return await ReadAsync(find, wanted.reply, token);

            void Add<T>(T value) => follow.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        },
        cancel);

    /// <summary>Brings the catalogue to these versions, new products included, all in one statement; may be done again.</summary>
    /// <param name="products">Products as their merchants have them, each once.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>Those that the catalogue has now, in this version or a later one; the others' category or store is not there.</returns>
    public async Task<List<MerchantProduct>> PublishAsync(IReadOnlyList<MerchantProduct> products, CancellationToken cancel)
    {
        var versions = await database.WriteAsync(
            null,
            products,
            static async (connection, products, token) =>
            {
                var ids = products.Select(product => product.Id).ToArray();
                await Sql.ExecuteAsync(Sql.Command(connection, "SELECT set_config('statement_timeout', '30s', true)"), token); // that of requests is 5 s
                // What is there is held in one order, as the rendering shows columns that others change.
                await Sql.ExecuteAsync(
                    Sql.Command(connection, "SELECT FROM products WHERE id = ANY ($1) ORDER BY id FOR UPDATE", ids),
                    token);
                await Sql.ExecuteAsync(
                    Sql.Command(
                        connection,
                        FollowMany,
                        ids,
                        products.Select(product => product.CreatedAt).ToArray(),
                        products.Select(product => product.UpdatedAt).ToArray(),
                        products.Select(product => product.CategoryId).ToArray(),
                        products.Select(product => product.StoreId).ToArray(),
                        products.Select(product => product.PriceCents).ToArray(),
                        products.Select(product => product.Version).ToArray(),
                        products.Select(product => product.IsActive).ToArray(),
                        products.Select(product => product.IsFeatured).ToArray(),
                        products.Select(product => product.Brand).ToArray(),
                        products.Select(product => product.Name).ToArray(),
                        products.Select(product => product.Description).ToArray(),
                        products.Select(product => product.Images).ToArray()),
                    token);
                var rows = await Sql.ListAsync(
                    Sql.Command(connection, "SELECT id, version FROM products WHERE id = ANY ($1)", ids), row => KeyValuePair.Create(row.GetInt64(0), row.GetInt32(1)), token);
                return new Dictionary<long, int>(rows);
            },
            cancel);
        return [.. products.Where(product => versions.TryGetValue(product.Id, out var version) && version >= product.Version)];
    }

    private static async ValueTask<int?> ReadAsync(NpgsqlCommand command, Reply reply, CancellationToken cancel)
    {
        reply.Rewind(0);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        if (!await rows.ReadAsync(cancel))
        {
            return null;
        }

        reply.Add("{\"success\":true,\"data\":"u8).Add(rows, 0).Add("}"u8);
        return rows.GetInt32(1);
    }
}
