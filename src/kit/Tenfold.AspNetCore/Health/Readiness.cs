using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tenfold.AspNetCore.Errors;
using Tenfold.AspNetCore.Stores;

namespace Tenfold.AspNetCore.Health;

/// <summary>
/// <c>GET /health</c>: 200 while every store of the instance answers and it is not stopping, else a 503 problem that names
/// what is away, in words for everyone: what the driver said is logged. One check runs at a time and its answer serves everyone for <see cref="TenfoldOptions.HealthFor"/>.
/// </summary>
internal sealed class Readiness(IEnumerable<StoreProbe> stores, TenfoldOptions options, IHostApplicationLifetime lifetime, TimeProvider time, ILogger<Readiness> logger)
{
    private static readonly byte[] Ready = Encoding.UTF8.GetBytes("""{"status":"ready"}""");

    private static readonly byte[] Live = Encoding.UTF8.GetBytes("""{"status":"live"}""");

    private readonly StoreProbe[] _stores = [.. stores];
    private readonly ConcurrentDictionary<string, string> _logged = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task<string?>? _check;
    private long _checked;

    /// <summary>Completes when all stores have answered for the first time that somebody asked.</summary>
    public Task FirstReady => _first.Task;

    public async Task AnswerAsync(HttpContext context)
    {
        var missing = lifetime.ApplicationStopping.IsCancellationRequested
            ? "The instance is stopping."
            : await Check().WaitAsync(context.RequestAborted);
        context.Response.Headers.CacheControl = "no-store";
        if (missing is null)
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = Ready.Length;
            await context.Response.BodyWriter.WriteAsync(Ready, context.RequestAborted);
            return;
        }

        context.Response.Headers.RetryAfter = options.RetryAfterSeconds.ToString();
        await Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, missing);
    }

    /// <summary>The process is alive: it answers. Stores do not matter, nor that it is stopping.</summary>
    public static async Task AnswerLiveAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentType = "application/json";
        await context.Response.BodyWriter.WriteAsync(Live, context.RequestAborted);
    }

    private Task<string?> Check()
    {
        lock (_lock)
        {
            if (_check is null || (_check.IsCompleted && time.GetElapsedTime(_checked) > options.HealthFor))
            {
                _check = CheckStoresAsync();
                _checked = time.GetTimestamp();
            }

            return _check;
        }
    }

    private async Task<string?> CheckStoresAsync()
    {
        using var timeout = new CancellationTokenSource(options.HealthTimeout, time);
        var answers = await Task.WhenAll(_stores.Select(store => CheckAsync(store, timeout.Token)));
        if (string.Join(' ', answers.OfType<string>()) is { Length: > 0 } missing)
        {
            return missing;
        }

        _first.TrySetResult();
        return null;
    }

    private async Task<string?> CheckAsync(StoreProbe store, CancellationToken cancel)
    {
        try
        {
            // WaitAsync: a server that is frozen does not answer the cancel request either.
            await store.AnswersAsync(cancel).WaitAsync(cancel);
            _logged.TryRemove(store.Name, out _);
            return null;
        }
        catch (OperationCanceledException)
        {
            return $"Store '{store.Name}' did not answer within {options.HealthTimeout.TotalMilliseconds:0} ms.";
        }
#pragma warning disable CA1031 // Whatever a store's driver throws means that the store does not answer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            if (_logged.GetValueOrDefault(store.Name) != exception.Message)
            {
                _logged[store.Name] = exception.Message; // once for many checks in a row
                logger.LogWarning(exception, "Store '{Store}' does not answer", store.Name);
            }

            return $"Store '{store.Name}' does not answer. {StoreFailure.Describe(exception) ?? "The log of this instance says why."}";
        }
    }
}
