using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using Tenfold.Caching;
using Tenfold.Caching.Entries;
using Tenfold.Guide;

namespace Tenfold.AspNetCore.Caching;

/// <summary>An endpoint whose answers are cached: a hit is written as the bytes that were kept.</summary>
internal sealed class CachedEndpoint(
    RequestDelegate handler, PolicyCache cache, CacheHttp http, Func<HttpContext, IEnumerable<string>>? tags, IServiceScopeFactory scopes, TimeProvider time, WarmupSecret? warmup, ILogger logger)
{
    // RFC 9211.
    private static readonly StringValues HitInMemory = "tenfold; hit; detail=memory";
    private static readonly StringValues HitInRedis = "tenfold; hit; detail=redis";
    private static readonly StringValues Stale = "tenfold; hit; detail=stale";
    private static readonly StringValues Miss = "tenfold; fwd=miss";

    private readonly ResponseHeaders _headers = new(http);

    public Task InvokeAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method))
        {
            return handler(context);
        }

        var key = Key(context.Request);
        return warmup?.IsOn(context.Request) != true && cache.TryGetEntry(key, out var entry)
            ? SendAsync(context, entry, HitInMemory)
            : LoadAsync(context, key);
    }

    private async Task LoadAsync(HttpContext context, string key)
    {
        var load = new Load(new DetachedRequest(context, handler, http.Vary, scopes, logger));
        var under = tags?.Invoke(context).ToArray();
        try
        {
            var entry = warmup?.IsOn(context.Request) == true
                ? await cache.RefreshEntryAsync(key, load, static (load, cancel) => load.RunAsync(cancel), under, context.RequestAborted)
                : await cache.GetEntryAsync(key, load, static (load, cancel) => load.RunAsync(cancel), under, context.RequestAborted);
            await SendAsync(context, entry, load.Ran ? load.Failed ? Stale : Miss : HitInRedis);
        }
        catch (FailedResponseException failed)
        {
            await SendAsync(context, failed.Response, TimeSpan.Zero, Miss);
        }
    }

    private Task SendAsync(HttpContext context, CacheEntry entry, StringValues status) =>
        SendAsync(context, entry.View(static payload => CachedResponse.Read(payload)), _headers.SaysAge ? entry.Age(time) : TimeSpan.Zero, status);

    private Task SendAsync(HttpContext context, CachedResponse answer, TimeSpan age, StringValues status)
    {
        var response = context.Response;
        var headers = response.Headers;
        headers["Cache-Status"] = status;
        foreach (var (name, value) in answer.Others)
        {
            headers[name] = value;
        }

        if (answer.Status == StatusCodes.Status200OK)
        {
            headers.ETag = answer.ETag;
            AddLifetimes(headers, age);
            if (context.Request.Headers.IfNoneMatch is { Count: > 0 } known && Matches(known, answer.ETag))
            {
                response.StatusCode = StatusCodes.Status304NotModified;
                return Task.CompletedTask;
            }
        }

        if (_headers.Vary is { } vary)
        {
            headers.Vary = vary;
        }

        response.StatusCode = answer.Status;
        response.ContentType = answer.ContentType;
        response.ContentLength = answer.Body.Length;
        return answer.Body.IsEmpty ? Task.CompletedTask : WriteAsync(response, answer.Body, context.RequestAborted);
    }

    private static Task WriteAsync(HttpResponse response, ReadOnlyMemory<byte> body, CancellationToken cancel)
    {
        var writing = response.BodyWriter.WriteAsync(body, cancel);
        return writing.IsCompletedSuccessfully ? Task.CompletedTask : writing.AsTask();
    }

    private void AddLifetimes(IHeaderDictionary headers, TimeSpan age)
    {
        if (_headers.Vary is { } vary)
        {
            headers.Vary = vary;
        }

        if (_headers.CacheControl is { } control)
        {
            headers.CacheControl = control;
        }

        if (_headers.Cdn is { } cdn)
        {
            headers["CDN-Cache-Control"] = cdn;
        }

        if (_headers.Surrogate is { } surrogate)
        {
            headers["Surrogate-Control"] = surrogate;
        }

        if (_headers.SaysAge)
        {
            headers.Age = ((long)age.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }
    }

    /// <summary>By weak comparison (RFC 9110, 13.1.2).</summary>
    private static bool Matches(StringValues known, string etag)
    {
        foreach (var line in known)
        {
            var rest = line.AsSpan();
            foreach (var range in rest.Split(','))
            {
                var tag = rest[range].Trim();
                if (tag is "*" || tag.SequenceEqual(etag) || (tag.StartsWith("W/") && tag[2..].SequenceEqual(etag)))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Path and query as they came, and each header that the answer varies by, with its length before it.</summary>
    private string Key(HttpRequest request)
    {
        var key = string.Concat(request.PathBase.Value, request.Path.Value, request.QueryString.Value);
        foreach (var name in http.Vary)
        {
            var value = request.Headers[name].ToString();
            key = string.Create(CultureInfo.InvariantCulture, $"{key} {value.Length}:{value}");
        }

        return key;
    }

    /// <summary>Remembers whether this request's handler ran, for the answer's <c>Cache-Status</c>.</summary>
    private sealed class Load(DetachedRequest request)
    {
        public bool Ran { get; private set; }

        public bool Failed { get; private set; }

        public async ValueTask<Tenfold.Caching.Loading.Loaded> RunAsync(CancellationToken cancel)
        {
            (Ran, Failed) = (true, true);
            var loaded = await request.RunAsync(cancel);
            Failed = false;
            return loaded;
        }
    }
}
