using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tenfold.Caching;
using Tenfold.Caching.Loading;
using Tenfold.Caching.Tests.Support;
using Tenfold.TestSupport;

namespace Tenfold.AspNetCore.Tests.Caching;

public sealed class CachedEndpointTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tenfold-cached-").FullName;
    private RedisServer _redis = null!;
    private int _runs;
    private Func<HttpContext, Task> _handler = context => context.Response.WriteAsync("answer");

    [Fact]
    public async Task A_hit_sends_the_bytes_that_were_kept_and_304_where_the_client_has_them()
    {
        await using var instance = await StartAsync("products: { ttl: 1h }");
        using var first = await instance.Http.GetAsync("/products?page=1");
        using var second = await instance.Http.GetAsync("/products?page=1");

        Assert.Equal("answer 1", await first.Content.ReadAsStringAsync());
        Assert.Equal("answer 1", await second.Content.ReadAsStringAsync());
        Assert.Equal(("tenfold; fwd=miss", "tenfold; hit; detail=memory"), (Status(first), Status(second)));
        Assert.Equal("application/json", second.Content.Headers.ContentType?.MediaType);
        Assert.Equal("kept", second.Headers.GetValues("X-Own").Single());
        Assert.Equal(first.Headers.ETag, second.Headers.ETag);

        using var ask = new HttpRequestMessage(HttpMethod.Get, "/products?page=1");
        ask.Headers.IfNoneMatch.Add(new EntityTagHeaderValue("\"other\""));
        ask.Headers.IfNoneMatch.Add(new EntityTagHeaderValue(first.Headers.ETag!.Tag, isWeak: true));
        using var known = await instance.Http.SendAsync(ask);
        Assert.Equal((HttpStatusCode.NotModified, first.Headers.ETag.Tag), (known.StatusCode, known.Headers.ETag?.Tag));
        Assert.Equal("answer 2", await instance.Http.GetStringAsync("/products?page=2"));
        using var head = await instance.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/products?page=2"));
        Assert.Equal((8L, "tenfold; hit; detail=memory"), (head.Content.Headers.ContentLength, Status(head)));
        Assert.Equal(2, _runs);
    }

    [Fact]
    public async Task Another_instance_has_it_from_Redis_and_sees_an_invalidation_within_50_ms_at_the_median()
    {
        await using var one = await StartAsync("products: { ttl: 1h, tags: [products] }");
        await using var two = await StartAsync("products: { ttl: 1h, tags: [products] }");
        Assert.Equal("answer 1", await one.Http.GetStringAsync("/products"));
        using (var answer = await two.Http.GetAsync("/products"))
        {
            Assert.Equal(("tenfold; hit; detail=redis", "answer 1"), (Status(answer), await answer.Content.ReadAsStringAsync()));
        }

        var before = "";
        var cache = one.App.Services.GetRequiredService<TenfoldCache>();
        await Propagation.IsQuickAsync(
            cache.PropagationBound,
            median: TimeSpan.FromMilliseconds(50),
            change: async () =>
            {
                before = await two.Http.GetStringAsync("/products");
                Assert.True(await cache.InvalidateTagAsync("products"));
            },
            sees: async () => await two.Http.GetStringAsync("/products") != before);
    }

    [Fact]
    public async Task Caches_outside_are_told_what_the_guide_says()
    {
        await using var instance = await StartAsync(
            "products: { ttl: 1h, http: { max-age: 1m, stale-while-revalidate: 30s, stale-if-error: 1h, cdn: 5m, surrogate: 1h, vary: [Accept-Language] } }");
        using var answer = await instance.Http.GetAsync("/products");

        Assert.Equal("public, max-age=60, stale-while-revalidate=30, stale-if-error=3600", answer.Headers.GetValues("Cache-Control").Single().Replace("  ", " ", StringComparison.Ordinal));
        Assert.Equal("max-age=300", answer.Headers.GetValues("CDN-Cache-Control").Single());
        Assert.Equal("max-age=3600", answer.Headers.GetValues("Surrogate-Control").Single());
        Assert.Equal("Accept-Language", answer.Headers.GetValues("Vary").Single());
        Assert.InRange(answer.Headers.Age!.Value.TotalSeconds, 0, Instance.Wait.TotalSeconds);
    }

    [Fact]
    public async Task The_handler_sees_only_what_the_key_holds()
    {
        _handler = context => context.Response.WriteAsync($"{context.Request.Headers.AcceptLanguage}|{context.Request.Host}|{context.Request.Headers["X-Forwarded-Host"]}|{context.Request.Headers.Cookie}|{context.User.Identity?.Name}");
        await using var instance = await StartAsync("products: { ttl: 1h, http: { vary: [Accept-Language] } }");

        Assert.Equal("de|localhost||| 1", await GetAsync("de", "evil.example"));
        Assert.Equal("de|localhost||| 1", await GetAsync("de", "other.example"));
        Assert.Equal("fr|localhost||| 2", await GetAsync("fr", "evil.example"));

        async Task<string> GetAsync(string language, string host)
        {
            using var ask = new HttpRequestMessage(HttpMethod.Get, "/products");
            ask.Headers.Add("Accept-Language", language);
            ask.Headers.Add("X-Forwarded-Host", host);
            ask.Headers.Host = host;
            ask.Headers.Add("Cookie", "session=1");
            using var answer = await instance.Http.SendAsync(ask);
            return await answer.Content.ReadAsStringAsync();
        }
    }

    [Fact]
    public async Task Two_requests_that_differ_do_not_meet_under_one_key()
    {
        await using var instance = await StartAsync("products: { ttl: 1h, http: { vary: [X-A, X-B] } }");
        (string Path, string A, string B)[] requests =
        [
            ("/products", "", ""), ("/products?page=1", "", ""), ("/products/x", "", ""), ("/products/x?page=1", "", ""), ("/products/x%3Fpage=1", "", ""), ("/products/x%20?page=1", "", ""),
            ("/products", "a", "b"), ("/products", "a 1:b", ""), ("/products", "", "a 1:b"), ("/products", "b", "a"),
        ];
        for (var round = 0; round < 2; round++)
        {
            for (var i = 0; i < requests.Length; i++)
            {
                using var ask = new HttpRequestMessage(HttpMethod.Get, requests[i].Path) { Headers = { { "X-A", requests[i].A }, { "X-B", requests[i].B } } };
                using var answer = await instance.Http.SendAsync(ask);
                Assert.Equal($"answer {i + 1}", await answer.Content.ReadAsStringAsync());
            }
        }
    }

    [Fact]
    public async Task A_hit_late_in_its_life_loads_the_answer_anew_and_nobody_waits_for_it()
    {
        await using var instance = await StartAsync("products: { ttl: 60s, eager: 1%, jitter: 0% }");
        Assert.Equal("answer 1", await instance.Http.GetStringAsync("/products"));
        await Wait.ForAsync("it is loaded anew", async () =>
        {
            using var answer = await instance.Http.GetAsync("/products");
            Assert.Equal("tenfold; hit; detail=memory", Status(answer));
            return await answer.Content.ReadAsStringAsync() != "answer 1";
        });
    }

    [Fact]
    public async Task An_answer_that_is_private_or_not_to_be_stored_is_not_kept()
    {
        foreach (var control in new[] { "private, max-age=60", "no-store" })
        {
            await using var instance = await StartAsync("products: { ttl: 1h }");
            _handler = context =>
            {
                context.Response.Headers.CacheControl = control;
                return context.Response.WriteAsync("answer");
            };
            Assert.NotEqual(await instance.Http.GetStringAsync("/products"), await instance.Http.GetStringAsync("/products"));
        }
    }

    [Fact]
    public async Task Only_200_is_kept_and_404_where_the_policy_says_so()
    {
        await using var plain = await StartAsync("products: { ttl: 1h }");
        foreach (var status in new[] { 201, 302, 400, 404, 500, 503 })
        {
            _handler = context =>
            {
                context.Response.StatusCode = status;
                return Task.CompletedTask;
            };
            for (var i = 0; i < 2; i++)
            {
                _runs = 0;
                using var answer = await plain.Http.GetAsync($"/products?{status}");
                Assert.Equal((status, 1), ((int)answer.StatusCode, _runs));
            }
        }

        await using var negative = await StartAsync("products: { ttl: 1h, negative: 1m, version: 2 }");
        _handler = context =>
        {
            context.Response.StatusCode = 404;
            return Task.CompletedTask;
        };
        _runs = 0;
        Assert.Equal(HttpStatusCode.NotFound, (await negative.Http.GetAsync("/products")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await negative.Http.GetAsync("/products")).StatusCode);
        Assert.Equal(1, _runs);
    }

    [Fact]
    public async Task A_stale_answer_stands_in_for_one_that_fails()
    {
        await using var instance = await StartAsync("products: { ttl: 50ms, stale: 1h, throttle: 0s, jitter: 0% }");
        Assert.Equal("answer 1", await instance.Http.GetStringAsync("/products"));
        foreach (var fails in new Func<HttpContext, Task>[] { context => { context.Response.StatusCode = 503; return Task.CompletedTask; }, _ => throw new InvalidOperationException("broken") })
        {
            _handler = fails;
            await Wait.ForAsync("it expires", async () =>
            {
                using var answer = await instance.Http.GetAsync("/products");
                Assert.Equal("answer 1", await answer.Content.ReadAsStringAsync());
                return Status(answer) == "tenfold; hit; detail=stale";
            });
        }
    }

    [Fact]
    public async Task An_answer_that_stands_in_while_its_load_is_not_tried_again_says_so()
    {
        await using var instance = await StartAsync("products: { ttl: 50ms, stale: 1h, throttle: 1h, jitter: 0% }");
        await instance.Http.GetStringAsync("/products");
        _handler = _ => throw new InvalidOperationException("broken");
        await Wait.ForAsync("it has been tried", () =>
        {
            Assert.InRange(_runs, 1, 2);
            return StaleAsync();
        });
        Assert.True(await StaleAsync());
        Assert.Equal(2, _runs);

        async Task<bool> StaleAsync()
        {
            using var answer = await instance.Http.GetAsync("/products");
            return Status(answer) == "tenfold; hit; detail=stale";
        }
    }

    [Fact]
    public async Task Cookies_of_one_caller_are_not_sent_to_others()
    {
        _handler = context =>
        {
            context.Response.Cookies.Append("session", "secret");
            return context.Response.WriteAsync("answer");
        };
        await using var instance = await StartAsync("products: { ttl: 1h }");
        using var answer = await instance.Http.GetAsync("/products");

        Assert.False(answer.Headers.Contains("Set-Cookie"));
        Assert.Equal("answer 1", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_client_that_leaves_does_not_end_the_answer_of_the_others()
    {
        var (entered, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        _handler = async context =>
        {
            entered.TrySetResult();
            await go.Task.WaitAsync(context.RequestAborted);
            await context.Response.WriteAsync("answer");
        };
        await using var instance = await StartAsync("products: { ttl: 1h }");
        using var leaves = new CancellationTokenSource();
        var first = instance.Http.GetAsync("/products", leaves.Token);
        await entered.Task.WaitAsync(Instance.Wait);
        // Asked of the cache itself, where it is certain that the second one waits before the first one leaves.
        var cache = instance.App.Services.GetRequiredService<TenfoldCache>();
        var second = cache.For("products").GetEntryAsync("/products", 0, (_, _) => ValueTask.FromException<Loaded>(new InvalidOperationException("a load of its own"))).AsTask();
        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        go.SetResult();

        Assert.EndsWith("answer 1", Encoding.UTF8.GetString((await second).Payload.Span), StringComparison.Ordinal);
        Assert.Equal("answer 1", await instance.Http.GetStringAsync("/products"));
        Assert.Equal(1, cache.Counts.Single(c => c.Policy == "products").Loads);
    }

    [Fact]
    public async Task Without_a_guide_nothing_is_cached_and_a_guide_without_the_policy_is_refused()
    {
        await using (var plain = await Instance.StartAsync(Map))
        {
            Assert.Equal("answer 1", await plain.Http.GetStringAsync("/products"));
            Assert.Equal("answer 2", await plain.Http.GetStringAsync("/products"));
        }

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync("others: { ttl: 1h }"));
        Assert.Contains("The guide has no cache policy 'products'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_Redis_requests_are_answered()
    {
        await using var instance = await StartAsync("products: { ttl: 1h }");
        await _redis.KillAsync();
        for (var i = 0; i < 30; i++)
        {
            using var answer = await instance.Http.GetAsync($"/products?{i}");
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        // Requests are answered before the instance has noticed that Redis is gone, too.
        await Wait.ForAsync("it has noticed", () => !instance.App.Services.GetRequiredService<TenfoldCache>().IsCoherent);
    }

    [Fact]
    public async Task One_instance_warms_for_all_of_them_and_loads_anew_what_is_cached()
    {
        const string Guide = "products: { ttl: 1h }\nwarm:\n  popular: { requests: [/products?1, /products?2, /products?3], every: 1s, concurrency: 2 }";
        var since = Stopwatch.StartNew();
        await using var one = await StartAsync(Guide);
        await using var two = await StartAsync(Guide);
        await Wait.ForAsync("it is warm", () => Volatile.Read(ref _runs) >= 3);
        using (var answer = await two.Http.GetAsync("/products?2"))
        {
            Assert.StartsWith("tenfold; hit", Status(answer), StringComparison.Ordinal);
        }

        var runs = Volatile.Read(ref _runs);
        await Wait.ForAsync("it is warmed again", () => Volatile.Read(ref _runs) >= runs + 3);
        runs = Volatile.Read(ref _runs);
        var most = 3 * (int)(2 + since.Elapsed.TotalSeconds); // each second once, by one of them
        Assert.True(runs <= most, $"{runs} requests in {since.Elapsed.TotalSeconds:0.0} s; expected at most {most}");
    }

    public async ValueTask InitializeAsync() => _redis = await RedisServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _redis.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Status(HttpResponseMessage answer) => answer.Headers.GetValues("Cache-Status").Single();

    private async Task<Instance> StartAsync(string cache)
    {
        var guide = Path.Combine(_folder, $"{Guid.NewGuid():N}.yaml");
        await File.WriteAllTextAsync(guide, $"system: shop\nservices:\n  api: {{ command: [x] }}\nstores: {{ cache: {{ engine: redis }} }}\ncache:\n  {cache}\n");
        var instance = await Instance.StartAsync(
            Map, options => options.Cache = Patient.Options(options.Cache), $"--TENFOLD_GUIDE={guide}", "--TENFOLD_SERVICE=api", $"--ConnectionStrings:cache={_redis.Url}");
        await instance.App.Services.GetRequiredService<TenfoldCache>().Ready.WaitAsync(Instance.Wait);
        return instance;
    }

    private void Map(WebApplication app) => app.MapGet("/products/{id?}", async (HttpContext context) =>
    {
        var run = Interlocked.Increment(ref _runs);
        context.Response.ContentType = "application/json";
        context.Response.Headers["X-Own"] = "kept";
        await _handler(context);
        if (context.Response.StatusCode == 200)
        {
            await context.Response.WriteAsync($" {run}");
        }
    }).Cached("products");
}
