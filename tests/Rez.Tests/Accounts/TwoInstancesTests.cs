using System.Diagnostics;
using Commons.Accounts;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Tenfold.Caching;
using Tenfold.Caching.Tests.Support;
using Tenfold.TestSupport;
using static Rez.Tests.Accounts.Api;

namespace Rez.Tests.Accounts;

/// <summary>Two instances with a Redis between them.</summary>
public sealed class TwoInstancesTests(Shop shop) : IAsyncLifetime
{
    private readonly List<WebApplication> _apps = [];
    private RedisServer _redis = null!;

    [Fact]
    public async Task What_ends_on_one_instance_ends_on_the_other_within_the_bound_and_losing_Redis_logs_nobody_out()
    {
        using var ann = await Login.CreateAsync(_apps[0], Access.Customer);
        using var again = await Login.OfAsync(_apps[0], ann.Identity.User);
        using var there = Login.ClientOf(_apps[1], ann.Token);
        using var againThere = Login.ClientOf(_apps[1], again.Token);
        Assert.Equal(200, (await there.CallAsync("GET", "/api/users/me")).Status);
        Assert.Equal(200, (await againThere.CallAsync("GET", "/api/users/me")).Status); // both in its memory

        Assert.Equal(200, (await again.Http.CallAsync("POST", "/api/auth/logout")).Status);
        var clock = Stopwatch.StartNew();
        while ((await againThere.CallAsync("GET", "/api/users/me")).Status == 200)
        {
            Assert.True(clock.Elapsed < Bound + Shop.Wait, "the session has not ended on the other instance");
        }

        // A change of one's own account is seen on the other instance by whoever carries the token of the change.
        var changed = await ann.Http.CallAsync("PATCH", "/api/users/me", new { name = "Renamed" });
        Assert.Equal("Renamed", (string)(await there.CallAsync("GET", "/api/users/me", null, ("Tenfold-Read", changed.Response.Headers.GetValues("Tenfold-Read").Single()))).Data["name"]!);

        // The next pair of tokens holds on the other instance, whose memory has the one before, at once.
        var session = (await _apps[0].Services.GetRequiredService<Sessions>().CreateAsync(ann.Identity.User, SessionKind.App, new Device("192.0.2.1", "test"), null, default))!;
        Assert.Equal(200, await MeAsync(there, session.Token));
        var next = await shop.Http.CallAsync("POST", $"{_apps[0].Urls.First()}/api/auth/refresh", new { refreshToken = session.RefreshToken });
        Assert.Equal(200, await MeAsync(there, (string)next.Data["accessToken"]!));

        await _redis.KillAsync();
        Assert.Equal(200, (await ann.Http.CallAsync("GET", "/api/users/me")).Status);
        Assert.Equal(200, (await there.CallAsync("GET", "/api/users/me")).Status);
        using var late = await Login.CreateAsync(_apps[0], Access.Customer);
        Assert.Equal(200, await MeAsync(there, late.Token)); // made meanwhile
        Assert.Equal(200, (await late.Http.CallAsync("POST", "/api/auth/logout")).Status);
        clock.Restart();
        while (await MeAsync(there, late.Token) == 200)
        {
            Assert.True(clock.Elapsed < Bound + Shop.Wait, "without Redis the session has not ended on the other instance");
        }

        var email = NewEmail();
        Assert.Equal(201, (await ann.Http.CallAsync("POST", "/api/auth/register", new { name = "Ann", email, password = Password })).Status);
        Assert.Equal(200, (await there.CallAsync("POST", "/api/auth/login", new { email, password = Password })).Status);
    }

    public async ValueTask InitializeAsync()
    {
        _redis = await RedisServer.StartAsync();
        for (var i = 0; i < 2; i++)
        {
            var builder = RezApp.NewBuilder([$"--ConnectionStrings:main={shop.ConnectionString}", $"--ConnectionStrings:cache={_redis.Url}", "--urls=http://127.0.0.1:0", "--Logging:LogLevel:Default=None"]);
            builder.Services.AddSingleton(Shop.QuickHashes);
            var app = RezApp.Build(builder);
            await app.StartAsync();
            _apps.Add(app);
            await app.Services.GetRequiredService<TenfoldCache>().Ready.WaitAsync(Shop.Wait);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        await _redis.DisposeAsync();
    }

    private TimeSpan Bound => _apps[0].Services.GetRequiredService<TenfoldCache>().PropagationBound;

    private static async Task<int> MeAsync(HttpClient http, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/users/me") { Headers = { Authorization = new("Bearer", token) } };
        using var response = await http.SendAsync(request);
        return (int)response.StatusCode;
    }
}
