using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Tenfold.Caching;
using Tenfold.Caching.Tests.Support;
using Tenfold.TestSupport;

namespace Rez.Tests;

/// <summary>Two instances under the real guide, with a Redis between them.</summary>
public sealed class CachingTests(Shop shop) : IAsyncLifetime
{
    private readonly List<WebApplication> _apps = [];
    private readonly List<HttpClient> _clients = [];
    private RedisServer _redis = null!;
    private HttpClient _one = null!;
    private HttpClient _two = null!;

    [Fact]
    public async Task A_change_on_one_instance_is_seen_by_the_next_read_on_every_other_within_50_ms_at_the_median()
    {
        await StartTwoAsync(patient: false);
        HttpClient[] others = [_two, await StartAsync(patient: false)];
        foreach (var (method, path) in new[] { ("PUT", "/api/products/41"), ("PATCH", "/api/products/0041"), ("PATCH", "/api/products?limit=1&sort=popular"), ("PATCH", "/api/products/featured?limit=1") })
        {
            var shown = await DataAsync(_two, path);
            var id = (shown as JsonArray is { } list ? list[0]! : shown)["id"]!.GetValue<long>();
            var category = (await DataAsync(_two, $"/api/products/{id}"))["category"]!["id"]!.GetValue<int>();
            var name = "";
            await Propagation.IsQuickAsync(
                new CacheOptions().PropagationBound,
                median: TimeSpan.FromMilliseconds(50),
                change: async () =>
                {
                    await Task.WhenAll(others.Select(other => DataAsync(other, path)));
                    name = $"Name {Guid.NewGuid():N}";
                    using var request = new HttpRequestMessage(new HttpMethod(method), $"/api/products/{id}");
                    request.Content = method == "PATCH" ? JsonContent.Create(new { name }) : JsonContent.Create(new { name, brand = "B", description = "D", price = 1, categoryId = category, isActive = true, isFeatured = false });
                    using var changed = await _one.SendAsync(request);
                    Assert.True(changed.IsSuccessStatusCode, await changed.Content.ReadAsStringAsync());
                },
                sees: async () => (await Task.WhenAll(others.Select(other => ShowsAsync(other, path, name)))).All(seen => seen));
            Assert.True(await ShowsAsync(_one, path, name));
        }
    }

    [Fact]
    public async Task Whoever_made_a_change_sees_it_at_once_on_every_instance()
    {
        await StartTwoAsync();
        for (var i = 0; i < 200; i++)
        {
            await DataAsync(_two, "/api/products/55"); // in its memory
            var name = $"Name {i}";
            using var changed = await _one.PatchAsJsonAsync("/api/products/55", new { name });
            using var read = new HttpRequestMessage(HttpMethod.Get, "/api/products/55") { Headers = { { "Tenfold-Read", changed.Headers.GetValues("Tenfold-Read") } } };
            using var seen = await _two.SendAsync(read);
            Assert.Contains($"\"{name}\"", await seen.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_list_is_answered_by_Redis_and_by_memory_with_the_same_bytes()
    {
        await StartTwoAsync();
        const string Path = "/api/products?category=electronics&limit=50";
        using var loaded = await _one.GetAsync(Path);
        using var fromRedis = await _two.GetAsync(Path);
        using var fromMemory = await _two.GetAsync(Path);

        Assert.Equal(["tenfold; fwd=miss", "tenfold; hit; detail=redis", "tenfold; hit; detail=memory"], new[] { loaded, fromRedis, fromMemory }.Select(a => a.Headers.GetValues("Cache-Status").Single()));
        var bytes = await loaded.Content.ReadAsByteArrayAsync();
        Assert.Equal(bytes, await fromRedis.Content.ReadAsByteArrayAsync());
        Assert.Equal(bytes, await fromMemory.Content.ReadAsByteArrayAsync());
        using var again = new HttpRequestMessage(HttpMethod.Get, Path);
        again.Headers.IfNoneMatch.Add(loaded.Headers.ETag!);
        using var known = await _one.SendAsync(again);
        Assert.Equal(304, (int)known.StatusCode);
    }

    [Fact]
    public async Task Wrong_requests_are_not_kept_and_the_version_of_a_product_stays_its_tag()
    {
        await StartTwoAsync();
        for (var i = 0; i < 2; i++)
        {
            using var wrong = await _one.GetAsync("/api/products?page=-1");
            Assert.Equal((400, "tenfold; fwd=miss"), ((int)wrong.StatusCode, wrong.Headers.GetValues("Cache-Status").Single()));
        }

        using var product = await _one.GetAsync("/api/products/77");
        using var change = new HttpRequestMessage(HttpMethod.Patch, "/api/products/77") { Content = JsonContent.Create(new { brand = "Other" }) };
        change.Headers.IfMatch.Add(product.Headers.ETag!);
        using var changed = await _one.SendAsync(change);
        Assert.Equal(200, (int)changed.StatusCode);
    }

    [Fact]
    public async Task Killing_Redis_fails_no_request_and_a_change_made_meanwhile_is_seen_afterwards()
    {
        await StartTwoAsync();
        await DataAsync(_one, "/api/products/99");
        await DataAsync(_two, "/api/products/99");
        await _redis.KillAsync();
        var name = $"Name {Guid.NewGuid():N}";
        using (var changed = await _one.PatchAsJsonAsync("/api/products/99", new { name }))
        {
            Assert.True(changed.IsSuccessStatusCode);
        }

        Assert.Equal(name, (await DataAsync(_one, "/api/products/99"))["name"]!.GetValue<string>());
        await _redis.StartAgainAsync();
        await Wait.ForAsync("the other instance shows it", async () => (await DataAsync(_two, "/api/products/99"))["name"]!.GetValue<string>() == name);
    }

    public async ValueTask InitializeAsync() => _redis = await RedisServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        _clients.ForEach(client => client.Dispose());
        await _redis.DisposeAsync();
    }

    private static async Task<bool> ShowsAsync(HttpClient http, string path, string name) =>
        (await DataAsync(http, path)).ToJsonString().Contains(name, StringComparison.Ordinal);

    private static async Task<JsonNode> DataAsync(HttpClient http, string path)
    {
        using var response = await http.GetAsync(path);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, $"{path}: {(int)response.StatusCode} {body}");
        return JsonNode.Parse(body)!["data"]!;
    }

    private async Task StartTwoAsync(bool patient = true) => (_one, _two) = (await StartAsync(patient), await StartAsync(patient));

    /// <param name="patient">The bound on propagation is a long one: a busy machine does not look like a Redis that is away.</param>
    private async Task<HttpClient> StartAsync(bool patient)
    {
        var guide = Path.Combine(Path.GetDirectoryName(SchemaFiles.Folder)!, "tenfold.yaml");
        var app = RezApp.Build(RezApp.NewBuilder(
        [
            $"--ConnectionStrings:main={shop.ConnectionString}", $"--ConnectionStrings:cache={_redis.Url}", $"--TENFOLD_GUIDE={guide}", "--TENFOLD_SERVICE=api", "--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=None",
        ]), options => options.Cache = patient ? Patient.Options(options.Cache) : options.Cache with { RedisTimeout = Wait.Most });
        await app.StartAsync();
        _apps.Add(app);
        var client = (await Login.CreateAsync(app, Commons.Accounts.Access.Admin)).Http;
        _clients.Add(client);
        await app.Services.GetRequiredService<TenfoldCache>().Ready.WaitAsync(Shop.Wait);
        return client;
    }
}
