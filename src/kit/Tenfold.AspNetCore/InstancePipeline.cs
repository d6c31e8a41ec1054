using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Tenfold.AspNetCore.Errors;
using Tenfold.AspNetCore.Metrics;
using Tenfold.AspNetCore.Tracing;
using Tenfold.Postgres;

namespace Tenfold.AspNetCore;

/// <summary>Around every request: its metrics, and a problem document for whatever went wrong.</summary>
internal sealed class InstancePipeline(RequestDelegate next, RequestMetrics metrics, TenfoldOptions options, TimeProvider time, ILogger<InstancePipeline> logger)
{
    private const int ClientClosedRequest = 499; // nginx's word for it; nobody is there to read it

    public async Task InvokeAsync(HttpContext context)
    {
        var route = metrics.Begin(context);
        var started = time.GetTimestamp();
        try
        {
            await next(context);
            if (context.Response is { StatusCode: >= 400, HasStarted: false, ContentLength: null, ContentType: null })
            {
                await Problem.WriteAsync(context, context.Response.StatusCode, Explain(context));
            }
        }
#pragma warning disable CA1031 // The edge of the app: whatever is thrown becomes an answer here.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            await AnswerAsync(context, exception);
        }
        finally
        {
            ServerSpan.Describe(context);
            route.End(context.Response.StatusCode, time.GetElapsedTime(started));
        }
    }

    private async Task AnswerAsync(HttpContext context, Exception exception)
    {
        if (context.RequestAborted.IsCancellationRequested)
        {
            if (!context.Response.HasStarted)
            {
                context.Response.StatusCode = ClientClosedRequest;
            }

            return;
        }

        var away = StoreFailure.Describe(exception);
        if (away is null && exception is not BadHttpRequestException)
        {
            logger.LogError(exception, "{Method} {Path} failed", context.Request.Method, context.Request.Path);
        }
        else if (away is not null)
        {
            logger.LogWarning("{Method} {Path}: {Problem} ({Message})", context.Request.Method, context.Request.Path, away, exception.Message);
        }

        if (context.Response.HasStarted)
        {
            // Half an answer must not look like a whole one.
            context.Abort();
            return;
        }

        context.Response.Clear();
        if (away is not null)
        {
            context.Response.Headers.RetryAfter = options.RetryAfterSeconds.ToString();
            await Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, exception is PostgresStoreException { Failure: PostgresFailure.Unknown } ? away : away + " Try again.");
        }
        else if (exception is BadHttpRequestException bad)
        {
            await Problem.WriteAsync(context, bad.StatusCode, bad.Message);
        }
        else
        {
            await Problem.WriteAsync(context, StatusCodes.Status500InternalServerError, "The request failed inside the service; the failure has been logged.");
        }
    }

    private static string? Explain(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => $"Nothing is at {context.Request.Path}.",
        StatusCodes.Status405MethodNotAllowed => $"{context.Request.Method} is not allowed here; allowed: {context.Response.Headers.Allow}.",
        StatusCodes.Status415UnsupportedMediaType => "Send application/json.",
        _ => null,
    };
}
