using System.Net;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Tenfold.AspNetCore.RateLimiting;
using Tenfold.TestSupport;

namespace Tenfold.AspNetCore.Tests.RateLimiting;

public sealed class RateLimitTests
{
    private const string Guide = """
        system: shop
        services: { api: { command: [a] } }
        stores: { cache: { engine: redis } }
        gateway: { trust-forwarded: [10.0.0.0/8], routes: [{ path: /**, service: api }] }
        rate-limits:
          per-user: { limit: 2, per: 1h, by: user, insurance: 100% }
          elsewhere: { limit: 1, per: 1h }
        """;

    [Fact]
    public async Task Users_are_counted_by_the_app_and_limits_of_the_gateway_are_not_its_business()
    {
        await using var instance = await StartAsync();

        using var first = await GetAsync(instance, "/hello", user: "ann");
        Assert.Equal("\"per-user\";q=2;w=3600", Header(first, "RateLimit-Policy"));
        Assert.Equal("\"per-user\";r=1;t=1800", Header(first, "RateLimit"));
        using var second = await GetAsync(instance, "/hello", user: "ann");
        using var third = await GetAsync(instance, "/hello", user: "ann");
        using var other = await GetAsync(instance, "/hello", user: "bob");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.TooManyRequests, HttpStatusCode.OK), (second.StatusCode, third.StatusCode, other.StatusCode));
        Assert.Equal("application/problem+json", third.Content.Headers.ContentType!.MediaType);
        Assert.InRange(int.Parse(Header(third, "Retry-After")), 1000, 1800);
        using var problem = JsonDocument.Parse(await third.Content.ReadAsStringAsync());
        Assert.Equal("https://iana.org/assignments/http-problem-types#quota-exceeded", problem.RootElement.GetProperty("type").GetString());
    }

    [Fact]
    public async Task Who_is_not_signed_in_counts_by_address_behind_whoever_is_believed()
    {
        await using var instance = await StartAsync();

        Assert.Equal((int[])[200, 200, 429], await StatusesAsync(instance, "203.0.113.1", "203.0.113.1, 10.1.1.1", "198.51.100.9, 203.0.113.1"));
        Assert.Equal((int[])[200, 200, 429], await StatusesAsync(instance, "198.51.100.9, 203.0.113.2", "203.0.113.2", "203.0.113.2"));
    }

    [Fact]
    public async Task Health_checks_and_metrics_are_not_counted()
    {
        await using var instance = await StartAsync();
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await instance.Http.GetAsync("/health")).StatusCode);
        }

        Assert.Contains("tenfold_ratelimit_decisions_total{source=\"insurance\",outcome=\"allowed\"} 0", await instance.Http.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_instances_count_together_on_redis_and_survive_its_death()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await StartAsync($"--ConnectionStrings:cache={redis.Url}");
        await using var two = await StartAsync($"--ConnectionStrings:cache={redis.Url}");
        foreach (var instance in (Instance[])[one, two])
        {
            await UntilAsync(async () => (await instance.Http.GetStringAsync("/metrics")).Contains("tenfold_ratelimit_insured 0", StringComparison.Ordinal));
        }

        // A decision that takes too long, on a busy machine, is made without the other instance: then the next user shows it.
        var user = 0;
        await UntilAsync(async () =>
        {
            user++;
            return await StatusAsync(one) == 200 && await StatusAsync(two) == 200 && await StatusAsync(one) == 429;
        });

        await redis.KillAsync();
        Assert.Equal(429, await StatusAsync(one));
        Assert.Equal(200, (int)(await GetAsync(one, "/hello", "bob")).StatusCode);

        async Task<int> StatusAsync(Instance instance)
        {
            using var response = await GetAsync(instance, "/hello", $"ann {user}");
            return (int)response.StatusCode;
        }
    }

    [Fact]
    public async Task A_request_that_fails_says_how_its_limit_stands_too()
    {
        await using var instance = await StartAsync();
        using var response = await GetAsync(instance, "/fail", "ann");

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal("\"per-user\";r=1;t=1800", Header(response, "RateLimit"));
    }

    [Theory]
    [InlineData(null, "127.0.0.1")]
    [InlineData("203.0.113.1", "203.0.113.1")]
    [InlineData("1.1.1.1, 203.0.113.1:4711", "203.0.113.1")]
    [InlineData("203.0.113.1, 10.0.0.1, 10.0.0.2", "203.0.113.1")]
    [InlineData("203.0.113.1, unknown", "127.0.0.1")]
    [InlineData("[2001:db8::1]:80", "2001:db8::1")]
    public void The_address_is_that_of_the_last_one_who_is_not_a_believed_proxy(string? forwarded, string expected)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse("::ffff:127.0.0.1");
        if (forwarded is not null)
        {
            context.Request.Headers["X-Forwarded-For"] = forwarded;
        }

        Assert.Equal(IPAddress.Parse(expected), RequestAddress.Behind(["10.0.0.0/8"]).Of(context));
    }

    private static async Task<Instance> StartAsync(params string[] settings)
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("tenfold-limits-").FullName, "tenfold.yaml");
        await File.WriteAllTextAsync(file, Guide);
        try
        {
            return await Instance.StartAsync(
                app =>
                {
                    app.MapGet("/hello", () => "hello");
                    app.MapGet("/fail", string () => throw new InvalidOperationException("no"));
                },
                configure: null,
                before: app => app.Use((context, next) =>
                {
                    if (context.Request.Headers["X-User"] is [{ } user])
                    {
                        context.User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, user)], "test"));
                    }

                    return next(context);
                }),
                [$"--TENFOLD_GUIDE={file}", "--TENFOLD_SERVICE=api", .. settings]);
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }

    private static async Task<HttpResponseMessage> GetAsync(Instance instance, string path, string user)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "X-User", user } } };
        return await instance.Http.SendAsync(request);
    }

    private static async Task<int[]> StatusesAsync(Instance instance, params string[] forwarded)
    {
        var statuses = new List<int>();
        foreach (var value in forwarded)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/hello") { Headers = { { "X-Forwarded-For", value } } };
            using var response = await instance.Http.SendAsync(request);
            statuses.Add((int)response.StatusCode);
        }

        return [.. statuses];
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(Instance.Wait);
        while (!await condition())
        {
            await Task.Delay(20, limit.Token);
        }
    }

    private static string Header(HttpResponseMessage response, string name) => string.Join(", ", response.Headers.GetValues(name));
}
