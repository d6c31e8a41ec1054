using Npgsql;
using Commons.Data;
using Rez.Products;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Images;

/// <summary>Images at their merchant's database: what is known of them, and their changes.</summary>
internal sealed class ImageTable(ShardedStore store)
{
    // Those that a merchant sees.
    private const string Shown = "state IN ('received', 'original', 'ready', 'failed')";

    // A product's images change one after the other. With what they show, its row gets its next version.
    private const string Lock = "SELECT FROM merchant_products WHERE bucket_id = $1 AND id = $2 FOR UPDATE";

    private const string Render =
        $"""
        UPDATE merchant_products SET images = images_json($1, $2), version = version + 1, updated_at = now()
        WHERE bucket_id = $1 AND id = $2 AND images <> images_json($1, $2) RETURNING {MerchantProduct.Columns}
        """;

    /// <summary>One that was received, or null.</summary>
    public async Task<Image?> FindAsync(ShardId id, Caller? caller, CancellationToken cancel)
    {
        if (id.Bucket >= store.Map.Scheme.Count)
        {
            return null; // not one of our ids
        }

        var shard = store.Shard(id);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await FindAsync(connection, id, cancel);
    }

    /// <summary>The same for jobs, which must not ask a replica that has not heard of it yet.</summary>
    public async Task<Image?> FindNowAsync(ShardId id, CancellationToken cancel)
    {
        await using var connection = await store.Shard(id).Store.OpenWriterAsync(null, cancel);
        return await FindAsync(connection, id, cancel);
    }

    /// <summary>A product's, in their order.</summary>
    public async Task<List<Image>> ListAsync(int merchant, long product, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(merchant);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.ListAsync(
            Sql.Command(connection, $"SELECT {Image.Columns} FROM images WHERE bucket_id = $1 AND product_id = $2 AND {Shown} ORDER BY position, id", shard.Bucket, product), Image.Read, cancel);
    }

    /// <summary>Changes a product's images in a transaction that no other change of them is beside.</summary>
    /// <param name="at">The image, or for a new one its merchant.</param>
    /// <param name="product">The product.</param>
    /// <param name="change">What is done; false: nothing.</param>
    /// <param name="caller">Sees it from then on.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>The product, to be published, when what it shows has changed.</returns>
    public Task<MerchantProduct?> ChangeAsync(ShardKey at, long product, Func<ShardTransaction, CancellationToken, Task<bool>> change, Caller? caller, CancellationToken cancel) => store.WriteAsync(
        at,
        async (write, token) =>
        {
            await Sql.ExecuteAsync(Sql.Command(write.Connection, Lock, write.Bucket, product), token);
            return await change(write, token) ? await Sql.OneAsync(Sql.Command(write.Connection, Render, write.Bucket, product), MerchantProduct.Read, token) : null;
        },
        caller,
        cancel);

    /// <summary>Its sizes are made: they are served from now on.</summary>
    /// <inheritdoc cref="SettleAsync"/>
    public Task<MerchantProduct?> ReadyAsync(Image image, int[] widths, int width, int height, CancellationToken cancel) =>
        SettleAsync(image, "ready", widths, width, height, null, cancel);

    /// <summary>It cannot be resized for now, and is served as it is.</summary>
    /// <inheritdoc cref="SettleAsync"/>
    public Task<MerchantProduct?> OriginalAsync(Image image, string problem, CancellationToken cancel) =>
        SettleAsync(image, "original", [], image.Width, image.Height, problem, cancel);

    /// <summary>It is broken.</summary>
    /// <inheritdoc cref="SettleAsync"/>
    public Task<MerchantProduct?> FailAsync(Image image, string problem, CancellationToken cancel) =>
        SettleAsync(image, "failed", [], image.Width, image.Height, problem, cancel);

    /// <summary>Puts an image at a place.</summary>
    /// <param name="image">The image.</param>
    /// <param name="position">From 1; beyond the last one is the last.</param>
    /// <param name="also">What happens in the same transaction: the audit log.</param>
    /// <param name="caller">Sees it from then on.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>The product when what it shows has changed.</returns>
    public Task<MerchantProduct?> MoveAsync(Image image, int position, Func<ShardTransaction, CancellationToken, Task> also, Caller caller, CancellationToken cancel) => ChangeAsync(
        image.Number,
        image.ProductId,
        async (write, token) =>
        {
            var ids = await Sql.ListAsync(
                Sql.Command(write.Connection, $"SELECT id FROM images WHERE bucket_id = $1 AND product_id = $2 AND {Shown} ORDER BY position, id", write.Bucket, image.ProductId), row => row.GetInt64(0), token);
            if (!ids.Remove(image.Number.Value))
            {
                return false; // deleted meanwhile
            }

            ids.Insert(Math.Min(position - 1, ids.Count), image.Number.Value);
            await Sql.ExecuteAsync(
                Sql.Command(write.Connection, "UPDATE images i SET position = o.position FROM unnest($2) WITH ORDINALITY o(id, position) WHERE i.bucket_id = $1 AND i.id = o.id", write.Bucket, ids.ToArray()), token);
            await also(write, token);
            return true;
        },
        caller,
        cancel);

    /// <summary>Takes an image away; its files go by the job.</summary>
    /// <param name="image">The image.</param>
    /// <param name="also">What happens in the same transaction: that job, and the audit log.</param>
    /// <param name="caller">Sees it from then on.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>The product when what it shows has changed.</returns>
    public Task<MerchantProduct?> DeleteAsync(Image image, Func<ShardTransaction, CancellationToken, Task> also, Caller caller, CancellationToken cancel) => ChangeAsync(
        image.Number,
        image.ProductId,
        async (write, token) =>
        {
            if (await Sql.ExecuteAsync(Sql.Command(write.Connection, $"UPDATE images SET state = 'deleted', touched_at = now() WHERE bucket_id = $1 AND id = $2 AND {Shown}", write.Bucket, image.Number.Value), token) == 0)
            {
                return false;
            }

            await Sql.ExecuteAsync(
                Sql.Command(
                    write.Connection,
                    $"""
                    UPDATE images i SET position = o.position FROM (
                        SELECT id, row_number() OVER (ORDER BY position, id) AS position FROM images WHERE bucket_id = $1 AND product_id = $2 AND {Shown}) o
                    WHERE i.bucket_id = $1 AND i.id = o.id
                    """,
                    write.Bucket,
                    image.ProductId),
                token);
            await also(write, token);
            return true;
        },
        caller,
        cancel);

    /// <summary>Images in a state since longer ago than <paramref name="age"/>, of all databases.</summary>
    public async Task<IReadOnlyList<ShardId>> InStateAsync(string state, TimeSpan age, int limit, CancellationToken cancel) => (await store.ScatterAsync(
        new ScatterQuery<ShardId>
        {
            Sql = "SELECT id FROM images WHERE state = $3 AND state IN ('uploading', 'original', 'deleted') AND bucket_id = ANY ($1) AND touched_at < now() - $4::interval ORDER BY id LIMIT $2",
            Values = [state, age],
            Read = row => new ShardId(row.GetInt64(0)),
            Order = Comparer<ShardId>.Default,
            Limit = limit,
        },
        null,
        cancel)).Rows;

    private static Task<Image?> FindAsync(NpgsqlConnection connection, ShardId id, CancellationToken cancel) =>
        Sql.OneAsync(Sql.Command(connection, $"SELECT {Image.Columns} FROM images WHERE bucket_id = $1 AND id = $2 AND {Shown}", id.Bucket, id.Value), Image.Read, cancel);

    /// <summary>What became of an image; may be done again. One that was deleted meanwhile stays so.</summary>
    /// <returns>The product when what it shows has changed.</returns>
    private Task<MerchantProduct?> SettleAsync(Image image, string state, int[] widths, int width, int height, string? problem, CancellationToken cancel) => ChangeAsync(
        image.Number,
        image.ProductId,
        async (write, token) => await Sql.ExecuteAsync(
            Sql.Command(
                write.Connection,
                $"UPDATE images SET state = $3, widths = $4, width = $5, height = $6, problem = $7, touched_at = now() WHERE bucket_id = $1 AND id = $2 AND {Shown}",
                write.Bucket,
                image.Number.Value,
                state,
                widths,
                width,
                height,
                problem),
            token) > 0,
        null,
        cancel);
}
