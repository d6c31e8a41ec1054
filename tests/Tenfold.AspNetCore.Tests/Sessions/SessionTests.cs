using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.DependencyInjection;
using Tenfold.Redis;
using Tenfold.TestSupport;

namespace Tenfold.AspNetCore.Tests.Sessions;

public sealed class SessionTests
{
    [Fact]
    public async Task A_session_begun_on_one_instance_goes_on_at_another()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await StartAsync(redis);
        await using var two = await StartAsync(redis);

        using var begun = await one.Http.PostAsync("/cart/apple", null);
        var cookie = Assert.Single(begun.Headers.GetValues("Set-Cookie"));
        Assert.Contains("max-age=86400", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Equal("apple", await GetAsync(two, "/cart", cookie));

        await using var client = new RedisClient(RedisOptions.Parse(redis.Url));
        var keys = await client.ExecuteAsync(["KEYS", "session:*"]);
        Assert.InRange(await client.TimeToLiveAsync(new RedisKey(keys.Items.Span[0].Text!)), 86_000_000, 86_400_000);
        Assert.Equal(-1, (await client.ExecuteAsync(["PTTL", (await client.ExecuteAsync(["KEYS", "dataprotection:*"])).Items.Span[0].Text!])).Integer);
    }

    [Fact]
    public async Task What_one_instance_protects_another_reads()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var one = await StartAsync(redis);
        var secret = one.App.Services.GetDataProtectionProvider().CreateProtector("test").Protect("hello");
        await using var two = await StartAsync(redis);

        Assert.Equal("hello", two.App.Services.GetDataProtectionProvider().CreateProtector("test").Unprotect(secret));
    }

    [Fact]
    public async Task An_endpoint_that_asks_for_no_session_sets_no_cookie()
    {
        await using var instance = await StartAsync(null);
        using var response = await instance.Http.GetAsync("/plain");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False(response.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task Without_redis_sessions_stay_in_the_process()
    {
        await using var instance = await StartAsync(null);
        using var begun = await instance.Http.PostAsync("/cart/pear", null);

        Assert.Equal("pear", await GetAsync(instance, "/cart", begun.Headers.GetValues("Set-Cookie").Single()));
    }

    [Fact]
    public async Task A_request_that_needs_its_session_while_redis_is_away_is_told_to_come_back()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var instance = await StartAsync(redis);
        using var begun = await instance.Http.PostAsync("/cart/apple", null);
        await redis.KillAsync();

        using var request = new HttpRequestMessage(HttpMethod.Get, "/cart") { Headers = { { "Cookie", begun.Headers.GetValues("Set-Cookie").Single().Split(';')[0] } } };
        using var response = await instance.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
    }

    [Fact]
    public async Task Entries_slide_end_and_go()
    {
        await using var redis = await RedisServer.StartAsync();
        await using var instance = await StartAsync(redis);
        await using var client = new RedisClient(RedisOptions.Parse(redis.Url));
        var cache = instance.App.Services.GetRequiredService<IDistributedCache>();
        var hour = TimeSpan.FromHours(1);
        await cache.SetAsync("sliding", "a"u8.ToArray(), new DistributedCacheEntryOptions { SlidingExpiration = hour });
        await cache.SetAsync("ending", "b"u8.ToArray(), new DistributedCacheEntryOptions { AbsoluteExpirationRelativeToNow = hour });
        await cache.SetAsync("both", "c"u8.ToArray(), new DistributedCacheEntryOptions { SlidingExpiration = hour * 5, AbsoluteExpirationRelativeToNow = hour });
        await cache.SetAsync("past", "d"u8.ToArray(), new DistributedCacheEntryOptions { AbsoluteExpiration = DateTimeOffset.UnixEpoch });
        cache.Set("ever", [], new DistributedCacheEntryOptions());
        foreach (var name in (string[])["sliding", "ending", "both"])
        {
            var key = (await client.ExecuteAsync(["KEYS", $"session:*:{name}"])).Items.Span[0].Text!;
            await client.ExpireAsync(key, TimeSpan.FromMinutes(1));
            await cache.RefreshAsync(name);
            var left = await client.TimeToLiveAsync(key);
            Assert.True(name == "ending" ? left <= 60_000 : left is > 3_500_000 and <= 3_600_000, $"{name}: {left} ms");
        }

        Assert.Equal("c", Encoding.UTF8.GetString((await cache.GetAsync("both"))!));
        Assert.Null(await cache.GetAsync("past"));
        Assert.Empty(cache.Get("ever")!);
        await cache.RemoveAsync("ever");
        Assert.Null(await cache.GetAsync("ever"));
    }

    private static Task<Instance> StartAsync(RedisServer? redis) => Instance.StartAsync(
        app =>
        {
            app.MapPost("/cart/{item}", async (HttpContext context, string item) =>
            {
                await context.Session.LoadAsync();
                context.Session.SetString("item", item);
            }).WithSession();
            app.MapGet("/cart", async (HttpContext context) =>
            {
                await context.Session.LoadAsync();
                return context.Session.GetString("item") ?? "nothing";
            }).WithSession();
            app.MapGet("/plain", () => "plain");
        },
        null,
        redis is null ? [] : [$"--ConnectionStrings:cache={redis.Url}"]);

    private static async Task<string> GetAsync(Instance instance, string path, string cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "Cookie", cookie.Split(';')[0] } } };
        using var response = await instance.Http.SendAsync(request);
        return await response.Content.ReadAsStringAsync();
    }
}
