using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tenfold.Caching;
using Tenfold.Caching.Loading;

namespace Tenfold.AspNetCore.Caching;

/// <summary>Does the guide's warm-ups: sends the app its own requests, at most so many at a time, one node at a time.</summary>
internal sealed class Warmer(
    WarmupPlan[] plans, TenfoldCache cache, WarmupSecret secret, IServer server, IConfiguration configuration, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<Warmer> logger)
    : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource();
        await using (lifetime.ApplicationStarted.Register(() => started.TrySetResult()))
        {
            await started.Task.WaitAsync(stoppingToken);
        }

        using var http = Client();
        await Task.WhenAll(plans.Select(plan => RunAsync(plan, http, stoppingToken)));
    }

    private async Task RunAsync(WarmupPlan plan, HttpClient http, CancellationToken stop)
    {
        if (!plan.Warmup.OnStart)
        {
            await Task.Delay(plan.Warmup.Every!.Value, time, stop);
        }

        while (!stop.IsCancellationRequested)
        {
            var wait = TimeSpan.FromSeconds(10);
            try
            {
                var done = await cache.For(plan.Policy).GetEntryAsync(plan.Key, 0, (_, cancel) => WarmAsync(plan, http, cancel), cancellationToken: stop);
                wait = done.Lifetime - done.Age(time);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                logger.LogWarning("The warm-up '{Name}' failed and is tried again: {Message}", plan.Name, failure.Message);
            }

            if (plan.Warmup.Every is null)
            {
                return;
            }

            await Task.Delay(wait > TimeSpan.FromSeconds(1) ? wait : TimeSpan.FromSeconds(1), time, stop);
        }
    }

    private async ValueTask<Loaded> WarmAsync(WarmupPlan plan, HttpClient http, CancellationToken cancel)
    {
        var began = time.GetTimestamp();
        var failed = 0;
        await Parallel.ForEachAsync(plan.Warmup.Requests, new ParallelOptions { MaxDegreeOfParallelism = plan.Warmup.Concurrency, CancellationToken = cancel }, async (path, token) =>
        {
            using var limit = new CancellationTokenSource(plan.Warmup.Timeout, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(token, limit.Token);
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, path);
                request.Headers.Add(WarmupSecret.Header, secret.Value);
                using var response = await http.SendAsync(request, both.Token);
                response.EnsureSuccessStatusCode();
            }
            catch (Exception wrong) when (wrong is HttpRequestException || (wrong is OperationCanceledException && !token.IsCancellationRequested))
            {
                Interlocked.Increment(ref failed);
                logger.LogWarning("The warm-up '{Name}' could not load {Path}: {Message}", plan.Name, path, wrong.Message);
            }
        });
        logger.LogInformation(
            "Warm-up '{Name}': {Count} requests, {Failed} failed, {Milliseconds:0} ms", plan.Name, plan.Warmup.Requests.Count, failed, time.GetElapsedTime(began).TotalMilliseconds);
        return new Loaded("done"u8.ToArray());
    }

    private HttpClient Client()
    {
        if (configuration["TENFOLD_SOCKET"] is { Length: > 0 } socket)
        {
            return new HttpClient(new SocketsHttpHandler
            {
                ConnectCallback = async (_, cancel) =>
                {
                    var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancel);
                    return new NetworkStream(connection, ownsSocket: true);
                },
            })
            { BaseAddress = new Uri("http://localhost") };
        }

        var address = new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.First().Replace("//*", "//localhost", StringComparison.Ordinal).Replace("//+", "//localhost", StringComparison.Ordinal));
        var any = address.Host is "0.0.0.0" or "[::]";
        return new HttpClient { BaseAddress = new UriBuilder(address) { Host = any ? "localhost" : address.Host }.Uri };
    }
}
