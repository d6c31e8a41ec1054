using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

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
        Assert.InRange(clock.Elapsed, TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(20));
        Assert.Contains("300 ms", await answers[0].Content.ReadAsStringAsync(), StringComparison.Ordinal);

        var asked = 0;
        while (frozen.Pending())
        {
            (await frozen.AcceptSocketAsync()).Dispose();
            asked++;
        }

        Assert.InRange(asked, 1, 5); // a few checks at most, on a machine where 20 requests take seconds
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
