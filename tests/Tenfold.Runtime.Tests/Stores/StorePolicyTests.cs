using Tenfold.Guide;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

public sealed class StorePolicyTests
{
    private const long Gibibyte = 1L << 30;

    [Theory]
    [InlineData(2, 20, 7, 0, 21 * 8 + 10)] // one more instance than the most, while one is replaced; each has a connection for readiness
    [InlineData(2, null, 20, 2, 11 * 22 + 10)] // no max: 10; with replicas another connection for the watch
    [InlineData(30, null, 2, 0, 31 * 3 + 10)] // min over the default max
    [InlineData(1, 1, 1, 0, 20)]
    public void Connections_are_enough_for_every_pool(int min, int? max, int pool, int replicas, int expected)
    {
        var store = new Store { Engine = StoreEngine.Postgres, Replicas = replicas, Pool = new Pool { Max = pool } };
        var budget = ConnectionBudget.Of(Guide(min, max), store, 64 * Gibibyte);
        Assert.Equal((expected, pool), (budget.Granted, budget.Pool));
        Assert.Null(budget.Check("main", store));
    }

    [Theory]
    [InlineData(64, 100, 2000, 18)]
    [InlineData(4, 100, 512, 3)]
    public void Pools_are_made_smaller_where_the_machine_carries_less_and_that_is_said(int gibibytes, int most, int granted, int pool)
    {
        var store = new Store { Engine = StoreEngine.Postgres, Pool = new Pool { Max = 100 } };
        var budget = ConnectionBudget.Of(Guide(1, most), store, gibibytes * Gibibyte);
        Assert.Equal((granted, pool), (budget.Granted, budget.Pool));
        Assert.True(((most + 1) * ConnectionNeed.OfInstance(store, pool)) + ConnectionBudget.Reserve <= granted);
        Assert.Contains("are 10211; a server here takes", budget.Check("main", store), StringComparison.Ordinal);
        Assert.Contains($"each instance's pool is {pool} instead of 100; lower stores.main.pool.max or scale.max", budget.Check("main", store), StringComparison.Ordinal);
    }

    [Fact]
    public void More_instances_than_a_server_has_connections_for_are_refused()
    {
        var store = new Store { Engine = StoreEngine.Postgres, Pool = new Pool { Max = 2 } };
        var failure = Assert.Throws<RuntimeException>(() => ConnectionBudget.Of(Guide(1, 1000), store, 64 * Gibibyte).Check("main", store));
        Assert.Equal(RuntimeFailure.Guide, failure.Failure);
        Assert.Contains("lower scale.max", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Paths_with_quotes_are_written_as_PostgreSQL_reads_them()
    {
        var text = PostgresSettings.Server(new PostgresPlaces("rez/main", "/a'b/data", "/r", "/h", "/i"), 20_001, 100, 32 << 20, 8 * Gibibyte, durable: true, countQueries: true);
        Assert.Contains("data_directory = '/a''b/data'\n", text, StringComparison.Ordinal);
        Assert.Contains("shared_buffers = '32768kB'\n", text, StringComparison.Ordinal);
        Assert.Contains("effective_cache_size = '4194304kB'\n", text, StringComparison.Ordinal);
        Assert.Contains("fsync = 'on'\n", text, StringComparison.Ordinal);
        Assert.Contains("shared_preload_libraries = 'pg_stat_statements'\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Paths_with_quotes_are_written_as_Redis_reads_them()
    {
        var text = RedisStore.Settings(20_001, "/a\"b\\c/data", "/run/x", "s3cret", ByteSize.FromMebibytes(16), durable: true);
        Assert.Contains("dir \"/a\\\"b\\\\c/data\"\n", text, StringComparison.Ordinal);
        Assert.Contains("maxmemory 16777216\n", text, StringComparison.Ordinal);
        Assert.Contains("appendonly yes\n", text, StringComparison.Ordinal);
    }

    private static SystemGuide Guide(int min, int? max) => new()
    {
        System = "rez",
        Services = new Dictionary<string, Service> { ["api"] = new() { Scale = new Scale { Min = min, Max = max } } },
    };
}
