using Commons.Accounts;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Rez.Carts;
using Rez.Products;
using Rez.Reviews;
using Rez.Seed;
using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;
using Tenfold.Runtime.Schema;

namespace Rez.Tests.Shards;

/// <summary>A running rez over three databases, made like the runtime's but in the one server that all tests share; the third is empty until it is moved to.</summary>
[CollectionDefinition(nameof(Estate))]
public sealed class Estate(Shop shop) : IAsyncLifetime, ICollectionFixture<Estate>
{
    public const int Products = 1_500;
    private const int Databases = 3;

    // The production limits are for a machine that does nothing else.
    internal static readonly MoveOptions Patient = new()
    {
        DropDelay = TimeSpan.Zero, BlockPause = TimeSpan.FromMilliseconds(20), BlockLimit = TimeSpan.FromSeconds(10), DrainLimit = TimeSpan.FromSeconds(20),
    };

    private WebApplication? _app;

    public HttpClient Http { get; private set; } = null!;

    /// <summary>An administrator's, who may change every product.</summary>
    public HttpClient Admin { get; private set; } = null!;

    public IReadOnlyList<string> ConnectionStrings { get; private set; } = [];

    /// <summary>A service of the running app.</summary>
    public T Service<T>()
        where T : notnull => _app!.Services.GetRequiredService<T>();

    public ShardedStore Store => _app!.Services.GetRequiredService<ShardedStore>();

    internal Dataset Dataset { get; } = new(Products, stores: 100, merchants: 60);

    internal MerchantProducts MerchantProducts => _app!.Services.GetRequiredService<MerchantProducts>();

    internal Publisher Publisher => _app!.Services.GetRequiredService<Publisher>();

    internal CartTable Carts => _app!.Services.GetRequiredService<CartTable>();

    internal ReviewTable Reviews => _app!.Services.GetRequiredService<ReviewTable>();

    /// <inheritdoc cref="Login.CreateAsync"/>
    public Task<Login> LogIn(Access role, long? actsFor = null) => Login.CreateAsync(_app!, role, actsFor);

    public async ValueTask InitializeAsync()
    {
        var suffix = Guid.NewGuid().ToString("N")[..8];
        ConnectionStrings = [.. Enumerable.Range(0, Databases).Select(number => In(shop.ConnectionString, $"estate_{suffix}_{number}"))];
        foreach (var connectionString in ConnectionStrings)
        {
            await ExecuteAsync(shop.AdminConnectionString, $"CREATE DATABASE {new NpgsqlConnectionStringBuilder(connectionString).Database} OWNER rez");
            await Migrations.ApplyAsync(connectionString, SchemaFiles.Folder, _ => { }, CancellationToken.None);
        }

        (_app, Http) = await Shop.StartAsync(ConnectionStrings[0], ConnectionStrings[1]);
        Assert.Equal(0, await new SeedCommand(Store.Home.Writer(), Dataset, _ => { }, Store).RunAsync(CancellationToken.None));
        Admin = (await LogIn(Access.Admin)).Http;
    }

    /// <summary>What <c>tenfold shards rez rebalance</c> does once a database was added: it gets its share of the buckets.</summary>
    public async Task GrowAsync()
    {
        var options = new ShardedStoreOptions
        {
            Home = new() { Name = "main", ConnectionString = ConnectionStrings[0] },
            Others = Enumerable.Range(1, Databases - 1).ToDictionary(number => number, number => ConnectionStrings[number]),
            Movers = Enumerable.Range(0, Databases).ToDictionary(number => number, number => In(shop.AdminConnectionString, new NpgsqlConnectionStringBuilder(ConnectionStrings[number]).Database!)),
            MakesIds = false,
        };
        await using var store = await ShardedStore.StartAsync(options, TimeProvider.System, new Random(), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance, CancellationToken.None);
        await new BucketMover(store, Patient, _ => { }).RebalanceAsync(Rebalance.DefaultThreshold, CancellationToken.None);
    }

    /// <summary>Number of rows, in each database that has it.</summary>
    public async Task<long[]> CountAsync(string sql) => await Task.WhenAll(ConnectionStrings.Select(async connectionString => (long)(await ExecuteAsync(connectionString, sql))!));

    public async Task<object?> ScalarAsync(int database, string sql) => await ExecuteAsync(ConnectionStrings[database], sql);

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        Admin?.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        foreach (var connectionString in ConnectionStrings)
        {
            await ExecuteAsync(shop.AdminConnectionString, $"DROP DATABASE IF EXISTS {new NpgsqlConnectionStringBuilder(connectionString).Database} WITH (FORCE)");
        }
    }

    private static string In(string connectionString, string database) => new NpgsqlConnectionStringBuilder(connectionString) { Database = database, MaxPoolSize = 20, MinPoolSize = 0 }.ConnectionString;

    private static async Task<object?> ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
