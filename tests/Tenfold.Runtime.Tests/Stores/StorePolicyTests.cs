using Tenfold.Guide;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

public sealed class StorePolicyTests
{
    private const long Gibibyte = 1L << 30;

    [Theory]
    [InlineData(2, 20, 7, 21 * 7 + 10)] // one more instance than the most, while one is replaced
    [InlineData(2, null, 20, 11 * 20 + 10)] // no max: 10
    [InlineData(30, null, 2, 31 * 2 + 10)] // min over the default max
    [InlineData(1, 1, 1, 20)]
    public void Connections_are_enough_for_every_pool(int min, int? max, int pool, int expected)
    {
        var budget = ConnectionBudget.Of(Guide(min, max), new Store { Engine = StoreEngine.Postgres, Pool = new Pool { Max = pool } }, 64 * Gibibyte);
        Assert.Equal(expected, budget.Granted);
        Assert.Null(budget.Warning("main"));
    }

    [Theory]
    [InlineData(64, 2000)]
    [InlineData(4, 512)]
    [InlineData(0, 100)]
    public void More_than_the_machine_carries_is_said(int gibibytes, int granted)
    {
        var budget = ConnectionBudget.Of(Guide(1, 1000), new Store { Engine = StoreEngine.Postgres, Pool = new Pool { Max = 100 } }, gibibytes * Gibibyte);
        Assert.Equal(granted, budget.Granted);
        Assert.Contains("may open 100110 connections", budget.Warning("main"), StringComparison.Ordinal);
        Assert.Contains("stores.main.pool.max", budget.Warning("main"), StringComparison.Ordinal);
    }

    [Fact]
    public void Paths_with_quotes_are_written_as_PostgreSQL_reads_them()
    {
        var text = PostgresSettings.Server(new PostgresPlaces("rez/main", "/a'b/data", "/r", "/h", "/i"), 20_001, 100, 32 << 20, 8 * Gibibyte, durable: true);
        Assert.Contains("data_directory = '/a''b/data'\n", text, StringComparison.Ordinal);
        Assert.Contains("shared_buffers = '32768kB'\n", text, StringComparison.Ordinal);
        Assert.Contains("effective_cache_size = '4194304kB'\n", text, StringComparison.Ordinal);
        Assert.Contains("fsync = 'on'\n", text, StringComparison.Ordinal);
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
