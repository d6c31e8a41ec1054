using Npgsql;
using Tenfold.Postgres.SlowQueries;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests.SlowQueries;

public sealed class SlowQueryTests(Cluster cluster)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_slow_query_is_logged_with_its_plan_and_the_index_that_would_serve_it()
    {
        await cluster.Primary.ExecuteAsync("CREATE TABLE big AS SELECT n AS id, n % 50 AS brand, n AS price FROM generate_series(1, 30000) n");
        await cluster.Primary.ExecuteAsync("ANALYZE big");
        var logger = new Lines();
        await using var store = new PostgresStore(
            new PostgresOptions { Name = "main", ConnectionString = cluster.Primary.ConnectionString, SlowQuery = TimeSpan.FromMilliseconds(20) }, TimeProvider.System, logger);
        for (var i = 0; i < 3; i++)
        {
            await using var connection = await store.OpenReaderAsync(null, Cancel);
            await using var command = new NpgsqlCommand("SELECT count(*), pg_sleep(0.03) FROM big WHERE brand = $1 AND price > $2", connection) { Parameters = { new() { Value = i }, new() { Value = 5 } } };
            await command.ExecuteNonQueryAsync(Cancel);
            await using var quick = new NpgsqlCommand("SELECT 'quick'", connection);
            await quick.ExecuteScalarAsync(Cancel);
        }

        await store.SlowQueries!.ReportAsync(Cancel);
        var line = Assert.Single(logger.All, line => line.Contains("FROM big", StringComparison.Ordinal));
        Assert.Contains("3 times over 20 ms, p95 ", line, StringComparison.Ordinal);
        Assert.Contains("Seq Scan on public.big", line, StringComparison.Ordinal);
        Assert.Contains("Reads all 30,000 rows of public.big", line, StringComparison.Ordinal);
        Assert.Contains("CREATE INDEX CONCURRENTLY ON public.big (brand, price);", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_is_planned_without_being_run_and_the_statement_does_not_stay()
    {
        await cluster.Primary.ExecuteAsync("CREATE TABLE planned (x int)");
        await using var connection = new NpgsqlConnection(cluster.Primary.ConnectionString);
        await connection.OpenAsync(Cancel);
        for (var i = 0; i < 2; i++)
        {
            var plan = await QueryPlan.AskAsync(connection, "INSERT INTO planned VALUES ($1);", Cancel);
            Assert.Contains("public.planned", plan.Text, StringComparison.Ordinal);
        }

        Assert.Equal(0L, await cluster.Primary.ExecuteAsync("SELECT count(*) FROM planned"));
    }

    [Theory]
    [InlineData("(t.a = $1)", "(a)")]
    [InlineData("((t.b > $1) AND (t.a = 5) AND (t.c < $2))", "(a, b)")]
    [InlineData("((t.name)::text = $1)", "(name)")]
    [InlineData("((t.a = $1) OR (t.b = $2))", null)]
    [InlineData("(lower(t.a) ~~ $1)", null)]
    [InlineData("", null)]
    public void The_index_for_a_filter_has_equal_columns_first(string filter, string? expected) =>
        Assert.Equal(expected is null ? null : $"CREATE INDEX CONCURRENTLY ON s.t {expected}", QueryPlan.IndexFor(new SequentialScan("s.t", filter)));

    [Fact]
    public void Texts_are_bounded_and_p95_is_that_of_the_durations()
    {
        var log = new SlowQueryLog(TimeSpan.FromMilliseconds(10));
        for (var i = 1; i <= 100; i++)
        {
            log.Add("SELECT 1", i);
        }

        for (var i = 0; i < 1000; i++)
        {
            log.Add($"SELECT a{i}", 1);
        }

        var taken = log.Take();
        Assert.Equal((100, 95L, 5050L), (taken.Single(query => query.Text == "SELECT ?").Count, taken.Single(query => query.Text == "SELECT ?").P95Milliseconds, taken.Single(query => query.Text == "SELECT ?").TotalMilliseconds));
        Assert.Equal(SlowQueryLog.MostTexts + 1, taken.Count);
        Assert.Equal(1100, taken.Sum(query => query.Count));
        Assert.Empty(log.Take());
    }
}
