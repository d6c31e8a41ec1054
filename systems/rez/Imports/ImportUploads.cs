using Npgsql;
using NpgsqlTypes;
using Commons.Data;
using Rez.Imports.Files;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Imports;

/// <summary>What a request with a merchant's key meets.</summary>
/// <param name="Import">The import of that key; null when the merchant has too many that have not ended.</param>
/// <param name="IsNew">It was made for this request, which uploads its file.</param>
internal readonly record struct Upload(Import? Import, bool IsNew);

/// <summary>
/// Files on their way in. Each piece is a short transaction of its own, so that the merchant's bucket can be moved in between; a file that
/// does not get to its end is abandoned and cleared away.
/// </summary>
internal sealed class ImportUploads(ShardedStore store, ImportTable imports)
{
    /// <summary>Imports of a merchant that have not ended, at most.</summary>
    public const int MostOpen = 20;

    /// <summary>An upload without a sign of life for so long is abandoned. Its pieces come every 10 s at the latest.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(60);

    private const string GiveUp = "UPDATE imports SET state = 'abandoned' WHERE bucket_id = $1 AND merchant_id = $2 AND key = $3 AND state = 'uploading' AND touched_at < now() - $4::interval";

    private const string Insert =
        """
        INSERT INTO imports (bucket_id, id, merchant_id, key, format) SELECT $1, $2, $3, $4, $5
        WHERE $6 > (SELECT count(*) FROM imports WHERE bucket_id = $1 AND merchant_id = $3 AND state IN ('uploading', 'waiting', 'running'))
        ON CONFLICT (bucket_id, merchant_id, key) WHERE state <> 'abandoned' DO NOTHING
        """;

    /// <summary>The import of a merchant's key, a new one if there is none.</summary>
    public async Task<Upload> BeginAsync(int merchant, string key, string format, Caller caller, CancellationToken cancel)
    {
        var id = store.NewId(merchant);
        return await store.WriteAsync(
            merchant,
            async (write, token) =>
            {
                var to = write.Connection;
                await Sql.ExecuteAsync(Sql.Command(to, GiveUp, write.Bucket, merchant, key, Silence), token);
                await Sql.ExecuteAsync(Sql.Command(to, Insert, write.Bucket, id.Value, merchant, key, format, MostOpen), token);
                var found = await Sql.OneAsync(
                    Sql.Command(to, $"SELECT {Import.Columns} FROM imports WHERE bucket_id = $1 AND merchant_id = $2 AND key = $3 AND state <> 'abandoned'", write.Bucket, merchant, key), Import.Read, token);
                return new Upload(found, found?.Number == id);
            },
            caller,
            cancel);
    }

    /// <summary>Stages some lines.</summary>
    /// <returns>False: the upload was given up meanwhile, by somebody who took it for dead.</returns>
    public Task<bool> StageAsync(ShardId id, ImportBatch batch, CancellationToken cancel) => store.WriteAsync(
        id,
        async (write, token) =>
        {
            var isMine = await Sql.ExecuteAsync(
                Sql.Command(
                    write.Connection,
                    "UPDATE imports SET rows = rows + $3, rejected = rejected + $4, touched_at = now(), changes = changes + 1 WHERE bucket_id = $1 AND id = $2 AND state = 'uploading'",
                    write.Bucket,
                    id.Value,
                    batch.Products.Count + batch.Wrong,
                    batch.Wrong),
                token) > 0;
            if (!isMine)
            {
                return false;
            }

            await CopyAsync(write, id, batch, token);
            if (batch.Errors.Count > 0)
            {
                await Sql.ExecuteAsync(
                    Sql.Command(
                        write.Connection,
                        "INSERT INTO import_errors (bucket_id, import_id, line, message) SELECT $1, $2, * FROM unnest($3, $4)",
                        write.Bucket,
                        id.Value,
                        batch.Errors.Select(error => error.Line).ToArray(),
                        batch.Errors.Select(error => error.Message).ToArray()),
                    token);
            }

            return true;
        },
        null,
        cancel);

    /// <summary>The file is whole: its job is enqueued in the same transaction.</summary>
    /// <param name="id">The import.</param>
    /// <param name="bytes">Size of the file.</param>
    /// <param name="sha256">Its hash.</param>
    /// <param name="enqueue">Enqueues the job in the connection's transaction, and returns its id.</param>
    /// <param name="caller">Sees it from then on.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>The import; null when the upload was given up meanwhile.</returns>
    public Task<Import?> ReceiveAsync(ShardId id, long bytes, byte[] sha256, Func<NpgsqlConnection, CancellationToken, Task<long>> enqueue, Caller caller, CancellationToken cancel) => store.WriteAsync(
        id,
        async (write, token) =>
        {
            var import = await Sql.OneAsync(
                Sql.Command(
                    write.Connection,
                    $"""
                    UPDATE imports SET state = 'waiting', bytes = $3, sha256 = $4, received_at = now(), touched_at = now(), changes = changes + 1
                    WHERE bucket_id = $1 AND id = $2 AND state = 'uploading' RETURNING {Import.Columns}
                    """,
                    write.Bucket,
                    id.Value,
                    bytes,
                    sha256),
                Import.Read,
                token);
            if (import is not null)
            {
                var job = await enqueue(write.Connection, token);
                await Sql.ExecuteAsync(Sql.Command(write.Connection, "UPDATE imports SET job = $3 WHERE bucket_id = $1 AND id = $2", write.Bucket, id.Value, job), token);
            }

            return import;
        },
        caller,
        cancel);

    /// <summary>Takes back an upload that will not be completed, and what was staged of it. May be done again; does nothing to one that is whole.</summary>
    public async Task RemoveAsync(ShardId id, CancellationToken cancel)
    {
        await using var mark = new NpgsqlBatch { BatchCommands = { Sql.InBatch("UPDATE imports SET state = 'abandoned' WHERE bucket_id = $1 AND id = $2 AND state IN ('uploading', 'abandoned')", id.Bucket, id.Value) } };
        if (await store.ExecuteAsync(id, mark, null, cancel) == 0)
        {
            return;
        }

        await imports.DropRowsAsync(id, cancel);
        await using var delete = new NpgsqlBatch { BatchCommands = { Sql.InBatch("DELETE FROM imports WHERE bucket_id = $1 AND id = $2 AND state = 'abandoned'", id.Bucket, id.Value) } };
        await store.ExecuteAsync(id, delete, null, cancel);
    }

    /// <summary>Uploads that nobody will complete, of all databases.</summary>
    public Task<IReadOnlyList<ShardId>> BrokenAsync(TimeSpan silence, int limit, CancellationToken cancel) =>
        SilentAsync("state IN ('uploading', 'abandoned') AND (state = 'abandoned' OR touched_at < now() - $3::interval)", silence, limit, cancel);

    /// <summary>Received imports whose job was given up without a word (its workers died again and again, or somebody cancelled it), of all databases.</summary>
    public Task<IReadOnlyList<ShardId>> LostAsync(TimeSpan silence, int limit, CancellationToken cancel) =>
        SilentAsync("state IN ('waiting', 'running') AND touched_at < now() - $3::interval", silence, limit, cancel);

    private async Task<IReadOnlyList<ShardId>> SilentAsync(string condition, TimeSpan silence, int limit, CancellationToken cancel) => (await store.ScatterAsync(
        new ScatterQuery<ShardId>
        {
            Sql = $"SELECT id FROM imports WHERE {condition} AND bucket_id = ANY ($1) ORDER BY id LIMIT $2",
            Values = [silence],
            Read = row => new ShardId(row.GetInt64(0)),
            Order = Comparer<ShardId>.Default,
            Limit = limit,
        },
        null,
        cancel)).Rows;

    private static async Task CopyAsync(ShardTransaction write, ShardId id, ImportBatch batch, CancellationToken cancel)
    {
        await using var copy = await write.Connection.BeginBinaryImportAsync(
            "COPY import_rows (bucket_id, import_id, line, sku, name, brand, description, price_cents, category_id, store_id, is_active, is_featured) FROM STDIN (FORMAT binary)", cancel);
        foreach (var (line, product) in batch.Products)
        {
            await copy.StartRowAsync(cancel);
            await copy.WriteAsync(write.Bucket, NpgsqlDbType.Integer, cancel);
            await copy.WriteAsync(id.Value, NpgsqlDbType.Bigint, cancel);
            await copy.WriteAsync(line, NpgsqlDbType.Integer, cancel);
            await copy.WriteAsync(product.Sku!, NpgsqlDbType.Text, cancel);
            await TextAsync(product.Name);
            await TextAsync(product.Brand);
            await TextAsync(product.Description);
            await NumberAsync((int?)(product.Price * 100));
            await NumberAsync(product.CategoryId);
            await NumberAsync(product.StoreId);
            await FlagAsync(product.IsActive);
            await FlagAsync(product.IsFeatured);
        }

        await copy.CompleteAsync(cancel);

        Task TextAsync(string? value) => value is null ? copy.WriteNullAsync(cancel) : copy.WriteAsync(value, NpgsqlDbType.Text, cancel);
        Task NumberAsync(int? value) => value is null ? copy.WriteNullAsync(cancel) : copy.WriteAsync(value.Value, NpgsqlDbType.Integer, cancel);
        Task FlagAsync(bool? value) => value is null ? copy.WriteNullAsync(cancel) : copy.WriteAsync(value.Value, NpgsqlDbType.Boolean, cancel);
    }
}
