using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tenfold.Caching;

namespace Tenfold.AspNetCore.Caching;

/// <summary>Before the app takes requests: waits a moment for Redis, so that the first requests find a coherent cache. An absent Redis delays nobody for longer.</summary>
internal sealed class CacheStart(TenfoldCache cache, EndpointDataSource endpoints, TimeProvider time, ILogger<CacheStart> logger) : IHostedLifecycleService
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (cache.IsLocal)
        {
            logger.LogInformation("There is no ConnectionStrings__cache: values are cached in this process alone");
            return;
        }

        try
        {
            await cache.Ready.WaitAsync(Most, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            logger.LogWarning("The Redis of the cache did not answer within {Seconds} s; it is used as soon as it does", Most.TotalSeconds);
        }
    }

    /// <summary>Endpoints are made when they are first asked for: now, so that one without its policy fails the start and not a request.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        _ = endpoints.Endpoints.Count;
        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
