using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Tenfold.Caching.Tests.Support;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.AspNetCore.Tests.Stores;

public sealed class ShardedStoresTests(ShardedStoresTests.Servers servers) : IClassFixture<ShardedStoresTests.Servers>
{
    private const string Table = "CREATE TABLE IF NOT EXISTS notes (bucket_id int, id bigint, PRIMARY KEY (bucket_id, id))";

    [Fact]
    public async Task A_sharded_store_is_in_the_container_and_serves_keys_of_all_its_databases()
    {
        var strings = await servers.DatabasesAsync("shards_a", "shards_b");
        await using var instance = await Instance.StartAsync(Map, options => options.UseShards("main", own => own with { Scheme = BucketScheme.Hash(8) }), $"--ConnectionStrings:main={strings[0]}", $"--ConnectionStrings:main_1={strings[1]}");
        var services = instance.App.Services;
        var store = services.GetRequiredService<ShardedStore>();
        Assert.Same(store, services.GetRequiredKeyedService<ShardedStore>("main"));
        Assert.Same(services.GetRequiredService<PostgresStore>(), store.Home);

        var databases = new HashSet<string>();
        for (var key = 0; key < 20; key++)
        {
            databases.Add(await instance.Http.GetStringAsync($"/write/{key}"));
        }

        Assert.Equal(["0", "1"], databases.Order());
        Assert.Equal("20", await instance.Http.GetStringAsync("/count"));
        Assert.Equal(HttpStatusCode.OK, (await instance.Http.GetAsync("/health")).StatusCode);
        var metrics = await instance.Http.GetStringAsync("/metrics");
        Assert.Contains("tenfold_postgres_shard_map_epoch{store=\"main\"} 1", metrics, StringComparison.Ordinal);
        Assert.Contains("tenfold_postgres_shard_databases{store=\"main\"} 2", metrics, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_instance_whose_home_database_is_away_starts_not_ready_and_is_ready_when_it_answers()
    {
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync(Table);
        await server.KillAsync();
        await using var instance = await Instance.StartAsync(Map, options => options.UseShards("main"), $"--ConnectionStrings:main={server.ConnectionString}");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await instance.Http.GetAsync("/health")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await instance.Http.GetAsync("/write/1")).StatusCode);
        await server.StartAgainAsync();

        await Wait.ForAsync("it is ready", async () => (await instance.Http.GetAsync("/health")).StatusCode == HttpStatusCode.OK);
        Assert.Equal("0", await instance.Http.GetStringAsync("/write/1"));
    }

    [Fact]
    public async Task A_guide_that_does_not_agree_with_the_map_stops_the_start()
    {
        var strings = await servers.DatabasesAsync("shards_c");
        await using (await Instance.StartAsync(null, options => options.UseShards("main"), $"--ConnectionStrings:main={strings[0]}"))
        {
        }

        // A start waits 3 s for its databases: one on a starved machine begins without, and has not seen the map yet.
        ShardException? failure = null;
        for (var start = 1; failure is null; start++)
        {
            try
            {
                await using var instance = await Instance.StartAsync(
                    null, options => options.UseShards("main", own => own with { Scheme = BucketScheme.Hash(64) }), $"--ConnectionStrings:main={strings[0]}");
                Assert.InRange(start, 1, 5);
            }
            catch (ShardException refused)
            {
                failure = refused;
            }
        }

        Assert.Contains("keep the number that the map has", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_store_that_nobody_shards_is_not_touched()
    {
        await using var instance = await Instance.StartAsync(null, null, "--ConnectionStrings:main=Host=/a;Database=one", "--ConnectionStrings:main_1=Host=/b;Database=two");
        Assert.Null(instance.App.Services.GetService<ShardedStore>());
        Assert.NotNull(instance.App.Services.GetKeyedService<PostgresStore>("main_1"));
    }

    private static void Map(WebApplication app)
    {
        var store = app.Services.GetRequiredService<ShardedStore>(); // before it is started
        app.MapGet("/write/{key:long}", async (long key, HttpContext context) => await store.WriteAsync(
            key,
            async (write, cancel) =>
            {
                await using var command = new NpgsqlCommand("INSERT INTO notes VALUES ($1, $2)", write.Connection) { Parameters = { new() { Value = write.Bucket }, new() { Value = key } } };
                await command.ExecuteNonQueryAsync(cancel);
                return $"{write.Shard.Database}";
            },
            context.Caller(),
            context.RequestAborted));
        app.MapGet("/count", async (HttpContext context) =>
        {
            var counts = await store.ScatterAsync(
                new ScatterQuery<long> { Sql = "SELECT count(*) FROM notes WHERE bucket_id = ANY($1) LIMIT $2", Read = row => row.GetInt64(0), Limit = 10 }, context.Caller(), context.RequestAborted);
            return $"{counts.Rows.Sum()}";
        });
    }

    /// <summary>One server for all tests of the class.</summary>
    public sealed class Servers : IAsyncLifetime
    {
        private PostgresServer _server = null!;

        public async ValueTask InitializeAsync() => _server = await PostgresServer.StartAsync();

        public ValueTask DisposeAsync() => _server.DisposeAsync();

        public async Task<string[]> DatabasesAsync(params string[] names)
        {
            foreach (var name in names)
            {
                await _server.ExecuteAsync($"CREATE DATABASE {name}");
                await using var connection = new NpgsqlConnection(StringOf(name) + ";Pooling=false");
                await connection.OpenAsync();
                await using var command = new NpgsqlCommand(Table, connection);
                await command.ExecuteNonQueryAsync();
            }

            return [.. names.Select(StringOf)];
        }

        private string StringOf(string name) => new NpgsqlConnectionStringBuilder(_server.ConnectionString) { Database = name }.ConnectionString;
    }
}
