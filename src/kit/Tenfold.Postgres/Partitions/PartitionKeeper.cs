using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Partitions;

/// <summary>
/// Keeps the range partitions of a database: makes them ahead, detaches concurrently those whose time is over, archives them to
/// files where asked for, and drops them. Only one instance does it at a time, by an advisory lock. What is interrupted, at any
/// step, is finished by the next run, whoever does it. Thread-safe; runs of one keeper wait for each other.
/// </summary>
/// <remarks>
/// Periods are UTC by PostgreSQL's clock; a partition is dropped only if this process' clock agrees that its time is over. New
/// partitions are attached, not created as partitions: the table's readers and writers go on (with a foreign key, writers of the
/// table that it points to wait a moment).
/// </remarks>
public sealed partial class PartitionKeeper : IAsyncDisposable
{
    /// <summary>Key of the advisory lock, one for each database.</summary>
    internal const long Lock = 0x5446505254;

    private readonly PartitionOptions _options;
    private readonly TimeProvider _time;
    private readonly Random _random;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger<PartitionKeeper> _log;
    private readonly NpgsqlDataSource _source;

    /// <exception cref="ArgumentException">The connection string makes no sense.</exception>
    public PartitionKeeper(PartitionOptions options, TimeProvider time, Random random, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(loggers);
        (_options, _time, _random, _loggers, _log) = (options, time, random, loggers, loggers.CreateLogger<PartitionKeeper>());
        var settings = new NpgsqlConnectionStringBuilder(options.ConnectionString)
        {
            Pooling = false, // what is set below, and the lock, end with each run
            ApplicationName = "partitions",
            CommandTimeout = (int)options.Limit.TotalSeconds,
        };
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = $"{options.Name}-partitions" };
        builder.UseLoggerFactory(loggers);
        _source = settings.Host?.Contains(',', StringComparison.Ordinal) == true ? builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary) : builder.Build();
    }

    /// <summary>The database's name.</summary>
    public string Name => _options.Name;

    /// <summary>Makes what is missing, and nothing else; waits while another instance does so. For the start of an instance.</summary>
    public Task<PartitionReport> MakeAsync(CancellationToken cancel) => RunAsync(_options.Attempts, MakeAsync, cancel);

    /// <summary>Makes what is missing and removes what is over.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached, or the connection was lost.</exception>
    public Task<PartitionReport> RunAsync(CancellationToken cancel) => RunAsync(1, KeepAsync, cancel);

    /// <summary>
    /// Keepers of the other databases of a sharded store, this one being its home: those in its map, less the ones that are looked
    /// after already. They are the caller's to dispose.
    /// </summary>
    /// <param name="known">Names: that of this keeper with <c>_1</c>, <c>_2</c> and so on.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    public async Task<IReadOnlyList<PartitionKeeper>> OthersAsync(IReadOnlyCollection<string> known, CancellationToken cancel)
    {
        await using var connection = await _source.OpenConnectionAsync(cancel);
        if (!await Sql.ScalarAsync<bool>(connection, "SELECT to_regclass('tenfold.shard_map') IS NOT NULL", cancel) || await ShardMapTable.ReadAsync(connection, cancel) is not { } map)
        {
            return [];
        }

        return [.. from database in map.Databases
                   let name = $"{Name}_{database.Id}"
                   where database.Id != 0 && !known.Contains(name, StringComparer.OrdinalIgnoreCase)
                   select new PartitionKeeper(_options with { Name = name, ConnectionString = ShardDatabases.WithAddress(_options.ConnectionString, database.Address) }, _time, _random, _loggers)];
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task<PartitionReport> RunAsync(int attempts, Func<Work, PartitionedTable, Task> work, CancellationToken cancel)
    {
        await using var connection = await _source.OpenConnectionAsync(cancel);
        await Sql.ExecuteAsync(connection, "SET timezone = 'UTC'", cancel);
        await Sql.ExecuteAsync(connection, "SET datestyle = 'ISO, YMD'", cancel);
        await Sql.ExecuteAsync(connection, "SET statement_timeout = 0", cancel);
        await Sql.ExecuteAsync(connection, $"SET lock_timeout = {(long)_options.LockWait.TotalMilliseconds}", cancel);
        for (var attempt = 1; !await Sql.ScalarAsync<bool>(connection, "SELECT pg_try_advisory_lock($1)", cancel, Lock); attempt++)
        {
            if (attempt >= attempts)
            {
                return new(true, [], [], [], []);
            }

            await PauseAsync(cancel);
        }

        var now = await Sql.ScalarAsync<DateTime>(connection, "SELECT now()", cancel);
        var done = new Work(connection, now, cancel);
        foreach (var table in _options.Tables)
        {
            await TryAsync(done, table.Table, () => work(done, table));
        }

        return new(false, done.Made, done.Archived, done.Dropped, done.Failures); // the lock ends with the connection
    }

    private async Task KeepAsync(Work work, PartitionedTable table)
    {
        await MakeAsync(work, table);
        var state = await PartitionCatalog.ReadAsync(work.Connection, table, work.Cancel);
        var earlier = _time.GetUtcNow().UtcDateTime is var own && own < work.Now ? own : work.Now;
        foreach (var partition in state.Partitions.OrderByDescending(partition => partition.IsPending)) // none can be detached before it
        {
            var isOver = PartitionPlan.IsOver(table, partition.Range, earlier);
            if ((isOver || partition.IsPending) && !await TryAsync(work, partition.Name, () => DetachAsync(work, state, partition, isOver)))
            {
                break;
            }

            if (!isOver && partition.IsMarked)
            {
                await Sql.ExecuteAsync(work.Connection, $"COMMENT ON TABLE {partition.Sql} IS NULL", work.Cancel); // it is kept longer by now
            }
        }

        if (table.Keep is null)
        {
            return;
        }

        foreach (var detached in await PartitionCatalog.DetachedAsync(work.Connection, state, work.Cancel))
        {
            await TryAsync(work, detached.Name, () => DropAsync(work, table, state, detached));
        }
    }

    private async Task MakeAsync(Work work, PartitionedTable table)
    {
        var state = await PartitionCatalog.ReadAsync(work.Connection, table, work.Cancel);
        foreach (var range in PartitionPlan.Missing(table, state.Partitions.Select(partition => partition.Range), work.Now))
        {
            var name = PartitionPlan.Name(state.Name, table.Every, range.From);
            await InTimeAsync(work, async () =>
            {
                await using var transaction = await work.Connection.BeginTransactionAsync(work.Cancel);
                await PartitionCatalog.MakeAsync(work.Connection, state, name, range, work.Cancel);
                await transaction.CommitAsync(work.Cancel);
            });
            work.Made.Add(name);
            LogMade(_log, Name, name);
        }
    }

    private async Task DetachAsync(Work work, TableState table, PartitionState partition, bool isOver)
    {
        if (isOver && !partition.IsMarked)
        {
            await InTimeAsync(work, () => Sql.ExecuteAsync(work.Connection, $"COMMENT ON TABLE {partition.Sql} IS {Sql.Text(table.Mark)}", work.Cancel));
        }

        await InTimeAsync(work, async () =>
        {
            var present = (await PartitionCatalog.PartitionsAsync(work.Connection, table, work.Cancel)).Find(one => one.Name == partition.Name && one.Schema == partition.Schema);
            if (present is not null)
            {
                await Sql.ExecuteAsync(work.Connection, $"ALTER TABLE {table.Sql} DETACH PARTITION {partition.Sql} {(present.IsPending ? "FINALIZE" : "CONCURRENTLY")}", work.Cancel);
            }
        });
        LogDetached(_log, Name, partition.Name);
    }

    private Task DropAsync(Work work, PartitionedTable table, TableState state, DetachedTable detached) => InTimeAsync(work, async () =>
    {
        using var limit = new CancellationTokenSource(_options.Limit, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, work.Cancel);
        await using var transaction = await work.Connection.BeginTransactionAsync(work.Cancel);
        await Sql.ExecuteAsync(work.Connection, $"LOCK TABLE {detached.Sql} IN ACCESS EXCLUSIVE MODE", work.Cancel);
        string? file = null;
        if (table.Archive is { } folder)
        {
            folder = Path.Combine(folder, _options.Name, $"{state.Schema}.{state.Name}");
            file = await PartitionArchive.WriteAsync(work.Connection, detached.Sql, folder, detached.Name, both.Token);
        }

        await Sql.ExecuteAsync(work.Connection, $"DROP TABLE {detached.Sql}", work.Cancel);
        await transaction.CommitAsync(work.Cancel);
        work.Dropped.Add(detached.Name);
        work.Archived.AddRange(file is null ? [] : [file]);
        LogDropped(_log, Name, detached.Name, file ?? "no file, as none is asked for");
    });

    // Whether it was done. One thing's failure is not the next one's; that of the connection is.
    private async Task<bool> TryAsync(Work work, string what, Func<Task> action)
    {
        try
        {
            await action();
            return true;
        }
        catch (Exception e) when (work.Connection.State == System.Data.ConnectionState.Open
            && (e is PostgresException or PartitionException or IOException or UnauthorizedAccessException || (e is OperationCanceledException && !work.Cancel.IsCancellationRequested)))
        {
            var failure = $"{what}: {(e is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable } ? $"others held it for longer than {_options.Attempts} × {_options.LockWait.TotalSeconds:0.#} s" : e.Message)}";
            work.Failures.Add(failure);
            LogFailed(_log, Name, failure);
            return false;
        }
    }

    private async Task InTimeAsync(Work work, Func<Task> change)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await change();
                return;
            }
            catch (PostgresException e) when (attempt < _options.Attempts && e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
            {
                await PauseAsync(work.Cancel);
            }
        }
    }

    // About as long as a lock was waited for, so that those who queued behind get their turn.
    private Task PauseAsync(CancellationToken cancel)
    {
        double draw;
        lock (_random)
        {
            draw = 0.5 + _random.NextDouble();
        }

        return Task.Delay(_options.LockWait * draw, _time, cancel);
    }

    [LoggerMessage(1, LogLevel.Information, "Database {Database}: partition {Partition} was made")]
    private static partial void LogMade(ILogger log, string database, string partition);

    [LoggerMessage(2, LogLevel.Information, "Database {Database}: partition {Partition} was detached")]
    private static partial void LogDetached(ILogger log, string database, string partition);

    [LoggerMessage(3, LogLevel.Information, "Database {Database}: partition {Partition} was dropped; {File}")]
    private static partial void LogDropped(ILogger log, string database, string partition, string file);

    [LoggerMessage(4, LogLevel.Warning, "Database {Database}: partitions could not be kept and are tried again: {Failure}")]
    private static partial void LogFailed(ILogger log, string database, string failure);

    // One run.
    private sealed record Work(NpgsqlConnection Connection, DateTime Now, CancellationToken Cancel)
    {
        public List<string> Made { get; } = [];

        public List<string> Archived { get; } = [];

        public List<string> Dropped { get; } = [];

        public List<string> Failures { get; } = [];
    }
}
