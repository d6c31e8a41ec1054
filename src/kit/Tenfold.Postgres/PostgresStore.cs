using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tenfold.Postgres;

/// <summary>
/// One logical database: a primary and its replicas, with one named <see cref="NpgsqlDataSource"/> a server. Thread-safe.
/// </summary>
public sealed class PostgresStore : IAsyncDisposable
{
    private readonly NpgsqlDataSource _primary;

    /// <param name="options">How it is reached.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">Where routing decisions and the driver's warnings go.</param>
    public PostgresStore(PostgresOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(time);
        Name = options.Name;
        var builder = new NpgsqlDataSourceBuilder(options.ConnectionString) { Name = options.Name };
        _primary = builder.UseLoggerFactory(loggers).Build();
    }

    /// <summary>The store's name.</summary>
    public string Name { get; }

    /// <summary>The primary. Give the caller that writes, so that it is shown what it wrote.</summary>
    /// <param name="caller">Who writes; its reads go to the primary from now on, until its token is taken.</param>
    public NpgsqlDataSource Writer(Caller? caller = null) => _primary;

    /// <summary>Where the caller may read: a replica that has all that the caller has written, else the primary.</summary>
    /// <param name="caller">Who reads; nobody in particular may be shown anything that is within the lag limit.</param>
    public NpgsqlDataSource Reader(Caller? caller = null) => _primary;

    /// <summary>An open connection to the primary. Dispose it.</summary>
    /// <param name="caller">As with <see cref="Writer"/>.</param>
    /// <param name="cancel">Ends the wait for a connection.</param>
    /// <exception cref="NpgsqlException">No connection within the wait that the connection string allows.</exception>
    public ValueTask<NpgsqlConnection> OpenWriterAsync(Caller? caller, CancellationToken cancel) => Writer(caller).OpenConnectionAsync(cancel);

    /// <summary>An open connection that the caller may read from. Dispose it.</summary>
    /// <param name="caller">As with <see cref="Reader"/>.</param>
    /// <param name="cancel">Ends the wait for a connection.</param>
    /// <exception cref="NpgsqlException">No connection within the wait that the connection string allows.</exception>
    public ValueTask<NpgsqlConnection> OpenReaderAsync(Caller? caller, CancellationToken cancel) => Reader(caller).OpenConnectionAsync(cancel);

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _primary.DisposeAsync();
}
