using System.Diagnostics;
using System.Net;

namespace Rez.Tests.Failures;

public sealed class DatabaseDownTests(Shop shop)
{
    [Fact]
    public async Task A_killed_database_means_503_and_then_everything_works_again()
    {
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/health"));
        using (var postgres = Process.GetProcessById(shop.PostgresProcess))
        {
            postgres.Kill();
            await postgres.WaitForExitAsync();
        }

        // It is restarted at once, so how much of the outage is seen differs; what is seen must be a 503 document.
        var paths = new[] { "/api/products", "/api/products/1", "/api/products/search?q=electronics", "/api/search?q=x", "/api/categories", "/health" };
        var seen = new HashSet<HttpStatusCode>();
        var clock = Stopwatch.StartNew();
        for (var inARow = 0; inARow < 3;)
        {
            Assert.True(clock.Elapsed < Shop.Wait, "the database did not come back");
            var allWell = true;
            foreach (var path in paths)
            {
                using var response = await shop.Http.GetAsync(path);
                seen.Add(response.StatusCode);
                allWell &= response.IsSuccessStatusCode;
                if (response.StatusCode != HttpStatusCode.OK)
                {
                    Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
                    Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
                    Assert.NotNull(response.Headers.RetryAfter);
                }
            }

            inARow = allWell ? inARow + 1 : 0;
        }

        Assert.Contains(HttpStatusCode.ServiceUnavailable, seen);
        shop.Database.Clear();
    }

    [Fact]
    public async Task A_database_that_was_never_there_means_503_and_not_ready()
    {
        var (app, http) = await Shop.StartAsync("Host=/tmp/there-is-no-such-socket;Username=x;Database=x");
        await using (app)
        using (http)
        {
            foreach (var path in new[] { "/api/products", "/api/products/1", "/health" })
            {
                using var response = await http.GetAsync(path);
                Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
                Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
                Assert.NotNull(response.Headers.RetryAfter);
            }

            Assert.Equal(HttpStatusCode.BadRequest, (await http.GetAsync("/api/products/abc")).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/metrics")).StatusCode);
        }
    }

    [Fact]
    public async Task A_statement_that_takes_too_long_is_ended_and_means_503()
    {
        var (app, http) = await Shop.StartAsync(shop.ConnectionString + ";Options=-c statement_timeout=200");
        await using (app)
        using (http)
        await using (var connection = await shop.Database.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using (var block = connection.CreateCommand())
            {
                block.CommandText = "LOCK TABLE products IN ACCESS EXCLUSIVE MODE";
                await block.ExecuteNonQueryAsync();
            }

            using var response = await http.GetAsync("/api/products");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
            await transaction.RollbackAsync();
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/api/products")).StatusCode);
        }
    }

    [Fact]
    public async Task A_pool_without_a_free_connection_means_503_but_not_ill()
    {
        var (app, http) = await Shop.StartAsync(shop.ConnectionString.Replace("Maximum Pool Size=30", "Maximum Pool Size=4", StringComparison.Ordinal) + ";Timeout=1");
        await using (app)
        using (http)
        await using (var connection = await shop.Database.OpenConnectionAsync())
        await using (var transaction = await connection.BeginTransactionAsync())
        {
            await using (var block = connection.CreateCommand())
            {
                block.CommandText = "LOCK TABLE products IN ACCESS EXCLUSIVE MODE";
                await block.ExecuteNonQueryAsync();
            }

            // Half of the four are for readers.
            var waiting = Enumerable.Range(1, 2).Select(id => http.GetAsync($"/api/products/{id}")).ToArray();
            HttpResponseMessage? refused = null;
            while (refused is null)
            {
                var answer = await http.GetAsync("/api/categories");
                refused = answer.IsSuccessStatusCode ? null : answer;
            }

            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.Contains("connections are busy", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/health")).StatusCode);
            await transaction.RollbackAsync();
            Assert.All(await Task.WhenAll(waiting), response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        }
    }

    private async Task<HttpStatusCode> StatusAsync(string path)
    {
        using var response = await shop.Http.GetAsync(path);
        return response.StatusCode;
    }
}
