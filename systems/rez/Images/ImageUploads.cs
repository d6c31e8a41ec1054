using Commons.Data;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Images;

/// <summary>Images on their way in: a row is there before the file is, so that a file whose upload came to no end is known, and goes.</summary>
internal sealed class ImageUploads(ShardedStore store, ImageTable images)
{
    /// <summary>Images of a product.</summary>
    public const int Most = 10;

    /// <summary>An upload that began so long ago has come to no end: longer than the guide's route gives it.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(15);

    private const string Insert =
        """
        INSERT INTO images (bucket_id, id, merchant_id, product_id, position) SELECT $1, $2, $3, $4, 0
        FROM images WHERE bucket_id = $1 AND product_id = $4 AND state <> 'deleted' AND (state <> 'uploading' OR touched_at > now() - $5::interval) HAVING count(*) < $6
        """;

    /// <summary>Takes a place among a product's images.</summary>
    /// <returns>The new image's id; null when the product has as many as it may have.</returns>
    public async Task<ShardId?> BeginAsync(int merchant, long product, Caller? caller, CancellationToken cancel)
    {
        var id = store.NewId(merchant);
        var isMade = false;
        await images.ChangeAsync(
            merchant,
            product,
            async (write, token) =>
            {
                isMade = await Sql.ExecuteAsync(Sql.Command(write.Connection, Insert, write.Bucket, id.Value, merchant, product, Longest, Most), token) > 0;
                return false;
            },
            caller,
            cancel);
        return isMade ? id : null;
    }

    /// <summary>The file is stored: its job is enqueued in the same transaction.</summary>
    /// <param name="id">The image.</param>
    /// <param name="product">Its product.</param>
    /// <param name="header">What it is.</param>
    /// <param name="bytes">Its size.</param>
    /// <param name="sha256">Its hash.</param>
    /// <param name="also">What happens in the same transaction: the job, and the audit log.</param>
    /// <param name="caller">Sees it from then on.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>The image, or the one of the product that has the same content; null when the upload was given up meanwhile.</returns>
    public async Task<Image?> ReceiveAsync(
        ShardId id, long product, ImageHeader header, long bytes, byte[] sha256, Func<ShardTransaction, CancellationToken, Task> also, Caller caller, CancellationToken cancel)
    {
        Image? received = null;
        await images.ChangeAsync(
            id,
            product,
            async (write, token) =>
            {
                received = await Sql.OneAsync(
                    Sql.Command(
                        write.Connection,
                        $"SELECT {Image.Columns} FROM images WHERE bucket_id = $1 AND product_id = $2 AND sha256 = $3 AND state IN ('received', 'original', 'ready') ORDER BY id LIMIT 1",
                        write.Bucket,
                        product,
                        sha256),
                    Image.Read,
                    token);
                if (received is not null)
                {
                    return false;
                }

                received = await Sql.OneAsync(
                    Sql.Command(
                        write.Connection,
                        $"""
                        UPDATE images SET state = 'received', type = $3, bytes = $4, sha256 = $5, width = $6, height = $7, touched_at = now(),
                            position = 1 + (SELECT coalesce(max(position), 0) FROM images WHERE bucket_id = $1 AND product_id = $8 AND state NOT IN ('uploading', 'deleted'))
                        WHERE bucket_id = $1 AND id = $2 AND state = 'uploading' RETURNING {Image.Columns}
                        """,
                        write.Bucket,
                        id.Value,
                        header.Type,
                        (int)bytes,
                        sha256,
                        header.Width,
                        header.Height,
                        product),
                    Image.Read,
                    token);
                if (received is not null)
                {
                    await also(write, token);
                }

                return false;
            },
            caller,
            cancel);
        return received;
    }
}
