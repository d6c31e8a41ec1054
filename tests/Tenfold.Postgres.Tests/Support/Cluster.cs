using Microsoft.Extensions.Logging.Abstractions;
using Tenfold.Postgres.Tests.Support;

[assembly: AssemblyFixture(typeof(Cluster))]

namespace Tenfold.Postgres.Tests.Support;

/// <summary>A primary, a replica that is quick and one that replays half a second late. Shared: nobody kills them.</summary>
public sealed class Cluster : IAsyncLifetime
{
    public PostgresServer Primary { get; private set; } = null!;

    public PostgresServer Quick { get; private set; } = null!;

    public PostgresServer Late { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        const string CountsQueries = "shared_preload_libraries=pg_stat_statements";
        Primary = await PostgresServer.StartAsync(CountsQueries);
        var replicas = await Task.WhenAll(Primary.ReplicaAsync(CountsQueries), Primary.ReplicaAsync("recovery_min_apply_delay=500ms"));
        (Quick, Late) = (replicas[0], replicas[1]);
    }

    /// <summary>A store that has looked at all its servers.</summary>
    public static async Task<PostgresStore> OpenAsync(string connectionString, Func<PostgresOptions, PostgresOptions>? configure = null)
    {
        var options = new PostgresOptions { Name = "main", ConnectionString = connectionString };
        var store = new PostgresStore(configure?.Invoke(options) ?? options, TimeProvider.System, NullLoggerFactory.Instance);
        await store.ReadyAsync(CancellationToken.None);
        return store;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in new[] { Late, Quick, Primary })
        {
            if (server is not null)
            {
                await server.DisposeAsync();
            }
        }
    }
}
