using Commons.Data;
using Commons.Files;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Rez.Images;

/// <summary>Deletes the files of an image and then its row, so that whoever dies in between leaves a row by which they are found.</summary>
internal sealed class ImageRemover(ShardedStore store, IBlobStore files)
{
    /// <summary>Of an upload that comes to no end, which nobody can complete from then on, or of an image that was deleted. Does nothing to others; may be done again.</summary>
    /// <exception cref="BlobStoreException">The files may still be there.</exception>
    public async Task RemoveAsync(ShardId id, CancellationToken cancel)
    {
        if (await ExecuteAsync(id, "UPDATE images SET state = 'deleted', touched_at = now() WHERE bucket_id = $1 AND id = $2 AND state IN ('uploading', 'deleted')", cancel) > 0)
        {
            await files.DeleteAsync(ImageBlobs.Folder(id), cancel);
            await ExecuteAsync(id, "DELETE FROM images WHERE bucket_id = $1 AND id = $2 AND state = 'deleted'", cancel);
        }
    }

    private async Task<int> ExecuteAsync(ShardId id, string sql, CancellationToken cancel)
    {
        await using var batch = new NpgsqlBatch { BatchCommands = { Sql.InBatch(sql, id.Bucket, id.Value) } };
        return await store.ExecuteAsync(id, batch, null, cancel);
    }
}
