using Npgsql;
using Commons.Data;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Imports;

/// <summary>Imports at their merchant's database: reading them, and their life from the job on. Uploads are <see cref="ImportUploads"/>.</summary>
internal sealed class ImportTable(ShardedStore store)
{
    /// <summary>So many of a merchant's imports are kept; older ones go when one ends, and their keys are free again.</summary>
    public const int Kept = 100;

    // A second one waits for the first while that gives a sign of life; nothing is applied twice or lost if both run.
    private const string Start =
        """
        UPDATE imports i SET state = 'running', started_at = coalesce(started_at, now()), touched_at = now(), changes = changes + 1
        WHERE bucket_id = $1 AND id = $2 AND state IN ('waiting', 'running') AND NOT EXISTS (
            SELECT FROM imports earlier WHERE earlier.bucket_id = $1 AND earlier.merchant_id = i.merchant_id AND (earlier.received_at, earlier.id) < (i.received_at, i.id)
                AND (earlier.state = 'waiting' AND earlier.touched_at > now() - interval '1 hour' OR earlier.state = 'running' AND earlier.touched_at > now() - interval '2 minutes'))
        """;

    private const string End =
        """
        UPDATE imports SET state = CASE WHEN created + updated + unchanged > 0 THEN 'completed' ELSE 'failed' END,
            problem = CASE WHEN created + updated + unchanged > 0 THEN NULL ELSE 'no line of the file is right' END, ended_at = now(), touched_at = now(), changes = changes + 1
        WHERE bucket_id = $1 AND id = $2 AND state = 'running'
        """;

    private const string Forget =
        """
        WITH old AS (
            DELETE FROM imports i USING imports this WHERE this.bucket_id = $1 AND this.id = $2 AND i.bucket_id = $1 AND i.merchant_id = this.merchant_id AND i.state IN ('completed', 'failed')
                AND i.id < (SELECT id FROM imports WHERE bucket_id = $1 AND merchant_id = this.merchant_id ORDER BY id DESC OFFSET $3 LIMIT 1) RETURNING i.id)
        DELETE FROM import_rows USING old WHERE bucket_id = $1 AND import_id = old.id
        """;

    /// <summary>An import with its wrong lines; null when there is none.</summary>
    public async Task<Import?> FindAsync(ShardId id, Caller? caller, CancellationToken cancel)
    {
        if (await LookAsync(id, caller, cancel) is not { } import)
        {
            return null;
        }

        var shard = store.Shard(id);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        var errors = await Sql.ListAsync(
            Sql.Command(connection, "SELECT line, message FROM import_errors WHERE bucket_id = $1 AND import_id = $2 ORDER BY line", shard.Bucket, id.Value),
            row => new ImportError(row.GetInt32(0), row.GetString(1)),
            cancel);
        return import with { Errors = [.. errors] };
    }

    /// <summary>How far an import is; null when there is none.</summary>
    public async Task<Import?> LookAsync(ShardId id, Caller? caller, CancellationToken cancel)
    {
        if (id.Bucket >= store.Map.Scheme.Count)
        {
            return null; // not one of our ids
        }

        var shard = store.Shard(id);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.OneAsync(
            Sql.Command(connection, $"SELECT {Import.Columns} FROM imports WHERE bucket_id = $1 AND id = $2 AND state <> 'abandoned'", shard.Bucket, id.Value), Import.Read, cancel);
    }

    /// <summary>A merchant's imports, the newest first.</summary>
    public async Task<List<Import>> ListAsync(int merchant, int limit, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(merchant);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.ListAsync(
            Sql.Command(connection, $"SELECT {Import.Columns} FROM imports WHERE bucket_id = $1 AND merchant_id = $2 AND state <> 'abandoned' ORDER BY id DESC LIMIT $3", shard.Bucket, merchant, limit),
            Import.Read,
            cancel);
    }

    /// <summary>A worker begins, or goes on after another one's death.</summary>
    /// <returns>Whether it may. If not: the import has ended or is gone (null), or waits for an earlier one of its merchant's (false).</returns>
    public async Task<(Import? Import, bool MayRun)> StartAsync(ShardId id, CancellationToken cancel) => await store.WriteAsync<(Import?, bool)>(
        id,
        async (write, token) =>
        {
            var started = await Sql.ExecuteAsync(Sql.Command(write.Connection, Start, write.Bucket, id.Value), token) > 0;
            var import = await Sql.OneAsync(Sql.Command(write.Connection, $"SELECT {Import.Columns} FROM imports WHERE bucket_id = $1 AND id = $2", write.Bucket, id.Value), Import.Read, token);
            return (import is { HasEnded: false } ? import : null, started);
        },
        null,
        cancel);

    /// <summary>Everything is in the catalogue. Forgets the merchant's oldest imports.</summary>
    public Task EndAsync(ShardId id, CancellationToken cancel) =>
        ExecuteAsync(id, cancel, Sql.InBatch(End, id.Bucket, id.Value), Sql.InBatch(Forget, id.Bucket, id.Value, Kept));

    /// <summary>It cannot be done. What was applied of it stays.</summary>
    public async Task FailAsync(ShardId id, string problem, CancellationToken cancel)
    {
        await ExecuteAsync(
            id,
            cancel,
            Sql.InBatch(
                "UPDATE imports SET state = 'failed', problem = $3, ended_at = now(), touched_at = now(), changes = changes + 1 WHERE bucket_id = $1 AND id = $2 AND state IN ('waiting', 'running')",
                id.Bucket,
                id.Value,
                problem));
        await DropRowsAsync(id, cancel);
    }

    /// <summary>Deletes lines that will not be applied, a few thousand at a time.</summary>
    public async Task DropRowsAsync(ShardId id, CancellationToken cancel)
    {
        const int AtOnce = 5_000;
        while (await ExecuteAsync(
            id,
            cancel,
            Sql.InBatch(
                "DELETE FROM import_rows WHERE bucket_id = $1 AND import_id = $2 AND line = ANY (ARRAY(SELECT line FROM import_rows WHERE bucket_id = $1 AND import_id = $2 ORDER BY line LIMIT $3))",
                id.Bucket,
                id.Value,
                AtOnce)) == AtOnce)
        {
        }
    }

    private async Task<int> ExecuteAsync(ShardId id, CancellationToken cancel, params NpgsqlBatchCommand[] commands)
    {
        await using var batch = new NpgsqlBatch();
        foreach (var command in commands)
        {
            batch.BatchCommands.Add(command);
        }

        return await store.ExecuteAsync(id, batch, null, cancel);
    }
}
