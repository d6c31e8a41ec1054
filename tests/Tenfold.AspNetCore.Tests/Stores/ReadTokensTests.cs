using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Npgsql;
using Tenfold.Caching.Tests.Support;
using Tenfold.Postgres;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.AspNetCore.Tests.Stores;

public sealed class ReadTokensTests
{
    [Fact]
    public async Task Who_has_written_is_sent_past_a_replica_that_lacks_it_by_cookie_and_by_header()
    {
        await using var primary = await PostgresServer.StartAsync();
        await using var replica = await primary.ReplicaAsync();
        await primary.ExecuteAsync("CREATE TABLE t (x int)");
        await using var instance = await Instance.StartAsync(Map, null, $"--ConnectionStrings:main={PostgresServer.ConnectionStringOf(primary, replica)}");
        using var cookies = new HttpClientHandler { CookieContainer = new CookieContainer() };
        using var author = new HttpClient(cookies) { BaseAddress = instance.Http.BaseAddress };

        await Wait.ForAsync("the replica serves", async () => await author.GetStringAsync("/where") == "replica");
        await replica.ExecuteAsync("SELECT pg_wal_replay_pause()");
        using var answer = await author.PostAsync("/write", null);
        Assert.Contains("httponly", answer.Headers.GetValues("Set-Cookie").Single(), StringComparison.OrdinalIgnoreCase);
        var token = answer.Headers.GetValues("Tenfold-Read").Single();
        Assert.Equal("primary", await author.GetStringAsync("/where"));

        // Without cookies the same by header; a token that was tampered with says nothing.
        Assert.Equal("primary", await WhereAsync(instance.Http, token));
        await replica.ExecuteAsync("SELECT pg_wal_replay_resume()");
        await Wait.ForAsync("the replica has caught up", async () => await author.GetStringAsync("/where") == "replica" && await WhereAsync(instance.Http, token) == "replica");
        await Wait.ForAsync("a forged token is no token", async () => await WhereAsync(instance.Http, "x" + token) == "replica");
        using var read = await author.GetAsync("/where");
        Assert.False(read.Headers.Contains("Set-Cookie"), "only who writes gets a token");
    }

    private static void Map(WebApplication app)
    {
        var store = (PostgresStore)app.Services.GetService(typeof(PostgresStore))!;
        app.MapPost("/write", async context =>
        {
            await using (var connection = await store.OpenWriterAsync(context.Caller(), context.RequestAborted))
            {
                await using var command = new NpgsqlCommand("INSERT INTO t VALUES (1)", connection);
                await command.ExecuteNonQueryAsync(context.RequestAborted);
            }

            await context.Response.WriteAsync("written");
        });
        app.MapGet("/where", async context =>
        {
            await using var connection = await store.OpenReaderAsync(context.Caller(), context.RequestAborted);
            await using var command = new NpgsqlCommand("SELECT CASE WHEN pg_is_in_recovery() THEN 'replica' ELSE 'primary' END", connection);
            await context.Response.WriteAsync((string)(await command.ExecuteScalarAsync(context.RequestAborted))!);
        });
    }

    private static async Task<string> WhereAsync(HttpClient http, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/where") { Headers = { { "Tenfold-Read", token } } };
        using var answer = await http.SendAsync(request);
        return await answer.Content.ReadAsStringAsync();
    }
}
