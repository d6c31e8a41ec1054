using Npgsql;
using Tenfold.Jobs.Schema;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

[assembly: AssemblyFixture(typeof(JobServer))]

namespace Tenfold.Jobs.Tests.Support;

/// <summary>The PostgreSQL of all tests of this project; each class has databases of its own in it.</summary>
public sealed class JobServer : IAsyncLifetime
{
    private PostgresServer? _server;
    private int _databases;

    public async ValueTask InitializeAsync() => _server = await PostgresServer.StartAsync("max_connections=300");

    /// <summary>The server; its database <c>postgres</c> is for the one test behind a pooler.</summary>
    internal PostgresServer Server => _server!;

    /// <summary>A new database.</summary>
    /// <param name="number">Its number in its store; null for one without the tables of jobs.</param>
    public async Task<JobDatabase> DatabaseAsync(int? number = 0)
    {
        var name = $"jobs_{Interlocked.Increment(ref _databases)}";
        await _server!.ExecuteAsync($"CREATE DATABASE {name}");
        var database = new JobDatabase($"Host=127.0.0.1;Port={_server.Port};Username=postgres;Database={name};Maximum Pool Size=30");
        if (number is { } own)
        {
            await using var connection = await database.Source.OpenConnectionAsync();
            await JobSchema.EnsureAsync(connection, own, default);
        }

        return database;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}

/// <summary>A database of a test's own.</summary>
public sealed class JobDatabase(string connectionString) : IAsyncDisposable
{
    public string ConnectionString { get; } = connectionString;

    public NpgsqlDataSource Source { get; } = NpgsqlDataSource.Create(connectionString);

    /// <summary>The first column of the first row; null when there is none.</summary>
    public async Task<object?> ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        return await command.ExecuteScalarAsync() is { } value and not DBNull ? value : null;
    }

    public ValueTask DisposeAsync() => Source.DisposeAsync();
}
