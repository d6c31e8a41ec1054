using Npgsql;
using Tenfold.Guide;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

/// <summary>One real PostgreSQL for the tests of a class.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private readonly TemporaryState _temporary = new("shop");
    private StoreSet? _stores;

    public string ConnectionString => _stores!.ConnectionString("main") + ";Pooling=false";

    public async ValueTask InitializeAsync()
    {
        var guide = new SystemGuide { System = "shop", Stores = new Dictionary<string, Store> { ["main"] = new() { Engine = StoreEngine.Postgres } } };
        _stores = await StoreSet.StartAsync(guide, _temporary.State, new StoreOptions { Durable = false }, default);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stores is not null)
        {
            await _stores.DisposeAsync();
        }

        await _temporary.DisposeAsync();
    }

    public Task EmptyAsync() => QueryAsync("DROP SCHEMA public CASCADE; CREATE SCHEMA public");

    public async Task<object?> QueryAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
