using Npgsql;

namespace Tenfold.Postgres.Shards;

/// <summary>
/// Where a key's rows are. Taken for each operation, not kept: buckets move. Writes go through
/// <see cref="ShardedStore.WriteAsync{T}"/> or <see cref="ShardedStore.ExecuteAsync"/>, which cannot miss a move.
/// </summary>
public readonly record struct Shard
{
    private readonly ShardMapWatcher _watcher;

    private readonly ReadToken? _arrived;

    internal Shard(int bucket, int database, long epoch, PostgresStore store, ReadToken? arrived, ShardMapWatcher watcher) =>
        (Bucket, Database, Epoch, Store, _arrived, _watcher) = (bucket, database, epoch, store, arrived, watcher);

    /// <summary>The bucket: the value of the column <c>bucket_id</c>, by which every statement on sharded tables filters.</summary>
    public int Bucket { get; }

    /// <summary>Number of the database that owns the bucket.</summary>
    public int Database { get; }

    /// <summary>Epoch of the map that says so.</summary>
    public long Epoch { get; }

    /// <summary>The database with its replicas.</summary>
    public PostgresStore Store { get; }

    /// <summary>
    /// An open connection to read the bucket's rows from; dispose it. Costs nothing beyond opening it, unless this process has not
    /// reached the home database for a while: then the database is asked whether it still owns the bucket.
    /// </summary>
    /// <exception cref="ShardException"><see cref="ShardFailure.Moved"/>: it does not.</exception>
    /// <exception cref="NpgsqlException">No connection within the pool's wait.</exception>
    public ValueTask<NpgsqlConnection> OpenReaderAsync(Caller? caller, CancellationToken cancel) =>
        _watcher.IsConfirmed ? Store.OpenReaderAsync(_arrived is { } arrived ? Caller.AtLeast(caller, arrived) : caller, cancel) : OpenCheckedAsync(caller, cancel);

    private async ValueTask<NpgsqlConnection> OpenCheckedAsync(Caller? caller, CancellationToken cancel)
    {
        var connection = await Store.OpenReaderAsync(_arrived is { } arrived ? Caller.AtLeast(caller, arrived) : caller, cancel);
        try
        {
            if ((await ShardFences.OwnedAsync(connection, [Bucket], cancel)).Count == 0)
            {
                throw new ShardException(ShardFailure.Moved, $"bucket {Bucket} has left database {Database} ({Store.Name}), and the home database cannot be reached to ask where it went");
            }

            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
