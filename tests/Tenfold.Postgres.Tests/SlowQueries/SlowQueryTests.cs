using Microsoft.Extensions.Logging.Abstractions;
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
        Assert.Contains("3 of 3 times over 20 ms, p95 of all ", line, StringComparison.Ordinal);
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
    public void P95_is_of_all_calls_and_only_texts_that_were_slow_are_told()
    {
        var log = new SlowQueryLog(TimeSpan.FromMilliseconds(96));
        for (var i = 1; i <= 100; i++)
        {
            log.Add("SELECT 1", i, [i]);
            log.Add("SELECT 'quick'::text", 1);
            log.Add($"SELECT * FROM t WHERE id = {i}", i == 7 ? 500 : 2); // one text when it is normalised
        }

        var taken = log.Take();
        Assert.Equal(["SELECT * FROM t WHERE id = ?", "SELECT ?"], taken.Select(query => query.Text).Order(StringComparer.Ordinal));
        var (t, one) = (taken.Single(query => query.Text.EndsWith("id = ?", StringComparison.Ordinal)), taken.Single(query => query.Text == "SELECT ?"));
        Assert.Equal((100, 5, 95, 490, 100), (one.Calls, one.Count, one.P95Milliseconds, one.TotalMilliseconds, (int)one.Values![0]));
        Assert.Equal((100, 1, 2, "SELECT * FROM t WHERE id = 7"), (t.Calls, t.Count, t.P95Milliseconds, t.Sample));
        Assert.Empty(log.Take());
    }

    [Fact]
    public void Texts_are_bounded()
    {
        var log = new SlowQueryLog(TimeSpan.FromMilliseconds(10));
        for (var i = 0; i < SlowQueryLog.MostTexts + SlowQueryLog.MostOthers + 100; i++)
        {
            log.Add($"SELECT a{i}", 20);
        }

        var taken = log.Take();
        Assert.Equal(SlowQueryLog.MostTexts + SlowQueryLog.MostOthers + 1, taken.Count);
        Assert.Equal(SlowQueryLog.MostTexts + SlowQueryLog.MostOthers + 100, taken.Sum(query => query.Count));
        Assert.Empty(log.Take());
        log.Add("SELECT new", 20); // there is room again
        Assert.Equal("SELECT new", Assert.Single(log.Take()).Text);
    }

    [Fact]
    public void A_percentile_is_at_most_an_eighth_too_high()
    {
        var counts = new DurationCounts();
        foreach (var took in (long[])[0, 1, 15, 16, 17, 100, 1000, 12_345, 3_000_000])
        {
            var one = new DurationCounts();
            one.Add(took);
            Assert.InRange(one.Percentile(0.95), took, took * 9 / 8);
            one.MoveTo(counts);
            Assert.Equal((0, 0), (one.Count, one.Percentile(0.95)));
        }

        counts.Add(long.MaxValue); // counts as more than an hour
        Assert.Equal((10, 15), (counts.Count, counts.Percentile(0.3)));
    }

    [Fact]
    public async Task A_slow_query_is_run_again_only_where_that_is_allowed_and_never_a_write()
    {
        await cluster.Primary.ExecuteAsync("CREATE TABLE again (x int); INSERT INTO again SELECT generate_series(1, 100)");
        foreach (var analyze in (bool[])[false, true])
        {
            var logger = new Lines();
            await using var store = new PostgresStore(
                new PostgresOptions { Name = "main", ConnectionString = cluster.Primary.ConnectionString, SlowQuery = TimeSpan.FromMilliseconds(20), SlowQueryAnalyze = analyze }, TimeProvider.System, logger);
            foreach (var sql in (string[])["SELECT count(*), pg_sleep(0.03) FROM again WHERE x > $1", "WITH w AS (INSERT INTO again SELECT 1 WHERE $1 = 10 RETURNING x) SELECT x, pg_sleep(0.03) FROM w"])
            {
                await using var connection = await store.OpenWriterAsync(null, Cancel);
                await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = 10 } } };
                await command.ExecuteNonQueryAsync(Cancel);
            }

            await using (var connection = await store.OpenWriterAsync(null, Cancel))
            {
                await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new("SELECT 'first', pg_sleep($1)") { Parameters = { new() { Value = 0.03 } } }, new("SELECT 'second'") } };
                await batch.ExecuteNonQueryAsync(Cancel);
            }

            var before = await cluster.Primary.ExecuteAsync("SELECT count(*) FROM again");
            await store.SlowQueries!.ReportAsync(Cancel);
            Assert.Equal(before, await cluster.Primary.ExecuteAsync("SELECT count(*) FROM again"));
            Assert.Equal(analyze, Assert.Single(logger.All, line => line.Contains("FROM again", StringComparison.Ordinal)).Contains("; took ", StringComparison.Ordinal));
            Assert.Single(logger.All, line => line.Contains("SELECT ?, pg_sleep($1); SELECT ?", StringComparison.Ordinal));
            Assert.DoesNotContain("; took ", Assert.Single(logger.All, line => line.Contains("INSERT INTO again", StringComparison.Ordinal)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Timing_a_command_allocates_nothing()
    {
        await using var plain = new PostgresStore(new PostgresOptions { Name = "main", ConnectionString = cluster.Primary.ConnectionString }, TimeProvider.System, NullLoggerFactory.Instance);
        await using var timed = new PostgresStore(
            new PostgresOptions { Name = "main", ConnectionString = cluster.Primary.ConnectionString, SlowQuery = TimeSpan.FromHours(1) }, TimeProvider.System, NullLoggerFactory.Instance);
        await using var one = await plain.OpenReaderAsync(null, Cancel);
        await using var other = await timed.OpenReaderAsync(null, Cancel);
        using var plainly = new NpgsqlCommand("SELECT 1", one);
        using var timedly = new NpgsqlCommand("SELECT 1", other);
        var (least, leastTimed) = (long.MaxValue, long.MaxValue);
        // Until both are compiled for good: before that the runtime itself allocates more.
        await Wait.ForAsync("a command costs the same bytes, timed or not", () =>
        {
            least = Math.Min(least, BytesOf(plainly));
            leastTimed = Math.Min(leastTimed, BytesOf(timedly));
            return Task.FromResult(least == leastTimed);
        });

        // Synchronously, so that all of it is done, and counted, by this thread.
        static long BytesOf(NpgsqlCommand command)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10; i++)
            {
#pragma warning disable xUnit1051, CA1849, S6966
                command.ExecuteNonQuery();
#pragma warning restore xUnit1051, CA1849, S6966
            }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
}
