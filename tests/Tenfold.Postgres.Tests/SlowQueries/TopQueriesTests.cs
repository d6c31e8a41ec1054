using Tenfold.Postgres.SlowQueries;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests.SlowQueries;

public sealed class TopQueriesTests(Cluster cluster)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_and_time_of_all_servers_are_summed_up_and_a_missing_index_is_named()
    {
        await cluster.Primary.ExecuteAsync("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
        await cluster.Primary.ExecuteAsync("CREATE TABLE wide AS SELECT n AS id, n % 50 AS brand FROM generate_series(1, 20000) n");
        await cluster.Primary.ExecuteAsync("ANALYZE wide");
        await Wait.ForAsync("the replica has the table", async () => await cluster.Quick.ExecuteAsync("SELECT to_regclass('wide')::text") is "wide");
        await Wait.ForAsync("the late one has the table", async () => await cluster.Late.ExecuteAsync("SELECT to_regclass('wide')::text") is "wide");
        foreach (var (server, times) in ((PostgresServer, int)[])[(cluster.Primary, 2), (cluster.Quick, 3)])
        {
            for (var i = 0; i < times; i++)
            {
                await server.ExecuteAsync($"SELECT count(*) -- all\n  FROM wide WHERE brand = {i}");
            }
        }

        // The late replica was started without the library.
        var report = await TopQueries.ReadAsync([PostgresServer.ConnectionStringOf(cluster.Primary, cluster.Quick, cluster.Late)], 500, 10_000, Cancel);
        var query = Assert.Single(report.Queries, query => query.Text.Contains("FROM wide", StringComparison.Ordinal));
        Assert.Equal(("SELECT count(*) FROM wide WHERE brand = $1", 5, 2, 5), (query.Text, query.Calls, query.PrimaryCalls, query.Rows));
        Assert.True(query.TotalMilliseconds >= query.MaxMilliseconds && query.MaxMilliseconds >= query.MeanMilliseconds && query.MeanMilliseconds > 0);
        Assert.Equal(["Reads all 20,000 rows of public.wide for (wide.brand = $1). This index would serve it: CREATE INDEX CONCURRENTLY ON public.wide (brand);"], query.Lacks);
        Assert.Equal(2, report.Servers);
        Assert.Contains("it was started without pg_stat_statements", Assert.Single(report.Failures), StringComparison.Ordinal);
        Assert.True(report.Since <= DateTimeOffset.UtcNow && report.TotalMilliseconds >= query.TotalMilliseconds);
    }
}
