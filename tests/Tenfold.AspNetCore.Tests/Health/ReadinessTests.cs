using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Tenfold.AspNetCore.Tests.Health;

public sealed class ReadinessTests
{
    [Fact]
    public async Task Without_stores_it_is_ready()
    {
        await using var instance = await Instance.StartAsync();
        using var response = await instance.Http.GetAsync("/health");
        Assert.Equal((HttpStatusCode.OK, """{"status":"ready"}"""), (response.StatusCode, await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task A_store_that_refuses_makes_it_not_ready_and_is_named()
    {
        await using var instance = await Instance.StartAsync(settings: "--ConnectionStrings:orders=Host=/tmp/no-such-folder;Username=x;Database=x");
        using var response = await instance.Http.GetAsync("/health");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Contains("'orders'", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.NotNull(response.Headers.RetryAfter);
    }

    [Theory]
    [InlineData("Host=/tmp/no-such-folder;Username=x;Database=x")]
    [InlineData("Host=no-such-host.invalid;Username=x;Database=x")]
    public async Task What_the_driver_said_is_not_shown(string store)
    {
        await using var instance = await Instance.StartAsync(null, options => options.HealthTimeout = options.ConnectionWait = Instance.Wait / 2, "--ConnectionStrings:orders=" + store);
        using var response = await instance.Http.GetAsync("/health");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        using var problem = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Equal("Store 'orders' does not answer. The database cannot be reached.", problem.RootElement.GetProperty("detail").GetString());
    }

    [Fact]
    public async Task The_drain_is_the_guides()
    {
        var guide = Path.Combine(Path.GetTempPath(), $"drain-{Guid.NewGuid():N}.yaml");
        await File.WriteAllTextAsync(guide, "system: shop\nservices: { api: { command: [run], drain: 90s } }\ngateway: { routes: [{ path: /**, service: api }] }\n");
        try
        {
            Assert.Equal(90, await DrainAsync($"--TENFOLD_GUIDE={guide}", "--TENFOLD_SERVICE=api"));
            Assert.Equal(30, await DrainAsync($"--TENFOLD_GUIDE={guide}", "--TENFOLD_SERVICE=web"));
            Assert.Equal(30, await DrainAsync());
        }
        finally
        {
            File.Delete(guide);
        }

        static async Task<double> DrainAsync(params string[] settings)
        {
            await using var instance = await Instance.StartAsync(null, null, settings);
            return instance.App.Services.GetRequiredService<IOptions<HostOptions>>().Value.ShutdownTimeout.TotalSeconds;
        }
    }

    [Theory]
    [InlineData("/health", HttpStatusCode.OK)]
    [InlineData("/hello", HttpStatusCode.OK)]
    [InlineData("/nothing", HttpStatusCode.NotFound)]
    public async Task Head_is_get_without_the_body(string path, HttpStatusCode status)
    {
        await using var instance = await Instance.StartAsync(app => app.MapGet("/hello", () => "hello"));
        using var get = await instance.Http.GetAsync(path);
        using var head = await instance.Http.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));
        Assert.Equal((status, get.Content.Headers.ContentType, 0), (head.StatusCode, head.Content.Headers.ContentType, (await head.Content.ReadAsByteArrayAsync()).Length));
        // It may be left out; it may not be another one.
        Assert.True(!head.Content.Headers.NonValidated.TryGetValues("Content-Length", out var length) || length.ToString() == $"{get.Content.Headers.ContentLength}");
    }

    [Fact]
    public async Task A_store_that_hangs_makes_it_not_ready_in_time_and_is_asked_once_for_many()
    {
        using var frozen = new TcpListener(IPAddress.Loopback, 0);
        frozen.Start();
        var store = $"--ConnectionStrings:main=Host=127.0.0.1;Port={((IPEndPoint)frozen.LocalEndpoint).Port};Username=x;Database=x";
        await using var instance = await Instance.StartAsync(null, options => options.HealthTimeout = TimeSpan.FromMilliseconds(300), store);

        var clock = Stopwatch.StartNew();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => instance.Http.GetAsync("/health")));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode));
        Assert.True(clock.Elapsed > TimeSpan.FromMilliseconds(200));
        var most = 1 + (int)(clock.Elapsed / new TenfoldOptions().HealthFor);
        Assert.Contains("300 ms", await answers[0].Content.ReadAsStringAsync(), StringComparison.Ordinal);

        var asked = 0;
        while (frozen.Pending())
        {
            (await frozen.AcceptSocketAsync()).Dispose();
            asked++;
        }

        Assert.InRange(asked, 1, most); // one check at a time, and its answer is good for a while
    }

    [Fact]
    public async Task Requests_in_flight_are_finished_when_it_stops()
    {
        var entered = new TaskCompletionSource();
        var go = new TaskCompletionSource();
        await using var instance = await Instance.StartAsync(app => app.MapGet("/slow", async context =>
        {
            entered.SetResult();
            await go.Task;
            await context.Response.WriteAsync("done");
        }));

        var slow = instance.Http.GetStringAsync("/slow");
        await entered.Task.WaitAsync(Instance.Wait);
        var stopping = instance.App.StopAsync();
        await instance.App.Lifetime.ApplicationStopping.AsTask().WaitAsync(Instance.Wait);
        Assert.False(stopping.IsCompleted);
        go.SetResult();
        Assert.Equal("done", await slow.WaitAsync(Instance.Wait));
        await stopping.WaitAsync(Instance.Wait);
    }
}

internal static class CancellationTokenExtensions
{
    public static Task AsTask(this CancellationToken token)
    {
        var done = new TaskCompletionSource();
        token.Register(done.SetResult);
        return done.Task;
    }
}
