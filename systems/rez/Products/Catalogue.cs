using Npgsql;
using Rez.Http;
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
    // Also when it is there already, in this version or a later one: then what is there is answered.
    private const string Follow =
        """
        WITH followed AS (
            UPDATE products SET name = $2, brand = $3, description = $4, price_cents = $5, category_id = $6, is_active = $7, is_featured = $8, version = $9, updated_at = $10
            WHERE id = $1 AND version < $9 RETURNING json, version)
        SELECT json, version FROM followed UNION ALL SELECT json, version FROM products WHERE id = $1 AND NOT EXISTS (SELECT FROM followed)
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
            var (product, reply) = wanted;
            reply.Rewind(0);
            await using var command = new NpgsqlCommand(Follow, connection);
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
            await using var rows = await command.ExecuteReaderAsync(token);
            if (!await rows.ReadAsync(token))
            {
                return (int?)null;
            }

            reply.Add("{\"success\":true,\"data\":"u8).Add(rows, 0).Add("}"u8);
            return rows.GetInt32(1);

            void Add<T>(T value) => command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
        },
        cancel);
}
