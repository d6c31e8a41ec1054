using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Commons.OpenApi;
using Rez.OpenApi;
using Rez.Seed;
using Tenfold.Guide;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;
using Tenfold.Runtime.Schema;
using Tenfold.Runtime.State;
using Tenfold.Runtime.Stores;

namespace Rez.Tests;

/// <summary>A rez whose PostgreSQL has a replica.</summary>
public sealed class ReplicaReadsTests : IAsyncLifetime
{
    private readonly SystemState _state = SystemState.At(Path.Combine(Path.GetTempPath(), $"rez-{Guid.NewGuid().ToString("N")[..10]}"), "rez");
    private StoreSet _stores = null!;

    [Fact]
    public async Task The_catalogue_is_read_from_the_replica_and_a_change_is_seen_by_its_author_at_once()
    {
        var (app, http) = await Shop.StartAsync(_stores.ConnectionString("main"));
        using (http)
        await using (app)
        using (var author = (await Login.CreateAsync(app, Commons.Accounts.Access.Admin)).Http)
        {
            var store = app.Services.GetRequiredService<PostgresStore>();
            var clock = System.Diagnostics.Stopwatch.StartNew();
            while (store.ReplicaReads == 0)
            {
                Assert.True(clock.Elapsed < Shop.Wait, "the replica serves no read");
                (await author.GetAsync("/api/products?limit=5")).EnsureSuccessStatusCode();
            }

            // From here on the replica is late, however quick the rest of this test is: what the author sees comes from elsewhere.
            await OnReplicaAsync("SELECT pg_wal_replay_pause()");
            for (var i = 1; i <= 8; i++)
            {
                var name = $"Changed {i}";
                using var changed = await author.PatchAsJsonAsync("/api/products/7", new { name });
                Assert.True(changed.IsSuccessStatusCode, await changed.Content.ReadAsStringAsync());
                Assert.Equal(name, (await author.GetFromJsonAsync("/api/products/7", RezJson.Default.ItemProduct))!.Data.Name); // the client keeps its cookie
            }

            Assert.False(((string)(await OnReplicaAsync("SELECT name FROM products WHERE id = 7"))!).StartsWith("Changed", StringComparison.Ordinal));
        }
    }

    public async ValueTask InitializeAsync()
    {
        var guide = new SystemGuide
        {
            System = "rez",
            Services = new Dictionary<string, Service> { ["api"] = new() { Command = ["x"], Scale = new Scale { Min = 1, Max = 2 } } },
            Stores = new Dictionary<string, Tenfold.Guide.Store>
            {
                ["main"] = new() { Engine = StoreEngine.Postgres, Replicas = 1, Pool = new Pool { Max = 10 }, Memory = ByteSize.FromMebibytes(32) },
            },
        };
        _stores = await StoreSet.StartAsync(guide, _state, new StoreOptions { Durable = false }, CancellationToken.None);
        await Migrations.ApplyAsync(_stores.ConnectionString("main"), SchemaFiles.Folder, _ => { }, CancellationToken.None);
        await using var store = await ShardedStore.StartAsync(
            new ShardedStoreOptions { Home = new PostgresOptions { Name = "main", ConnectionString = _stores.ConnectionString("main") } }, TimeProvider.System, new Random(), NullLoggerFactory.Instance, CancellationToken.None);
        await new SeedCommand(store.Home.Writer(), new Dataset(200, stores: 20, merchants: 10), _ => { }, store).RunAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stores is not null)
        {
            await _stores.DisposeAsync();
        }

        _state.Delete();
    }

    private async Task<object?> OnReplicaAsync(string sql)
    {
        var replica = _stores.Status().Single(server => server.Role == StoreRole.Replica);
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_stores.Databases()[0].AdminConnectionString)
        {
            Host = Path.Combine(_state.Run, replica.Name), Port = replica.Port, Pooling = false,
        }.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }
}
