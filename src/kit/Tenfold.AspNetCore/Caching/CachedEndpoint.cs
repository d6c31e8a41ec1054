using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using Tenfold.AspNetCore.Stores;
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
        return ReadTokens.HasWritten(context) ? ConfirmAndAnswerAsync(context, key) : AnswerAsync(context, key);
    }

    // Who has just written sees it at once, whichever instance keeps the value from before in its memory.
    private async Task ConfirmAndAnswerAsync(HttpContext context, string key)
    {
        await cache.ConfirmAsync(key, context.RequestAborted);
        await AnswerAsync(context, key);
    }

    private Task AnswerAsync(HttpContext context, string key)
    {
        if (warmup?.IsOn(context.Request) == true || !cache.TryGetEntry(key, out var entry, out var refresh))
        {
            return LoadAsync(context, key);
        }

        if (refresh)
        {
            cache.RefreshInBackground(key, entry, LoadOf(context), static (load, cancel) => load.RunAsync(cancel), Tags(context));
        }

        return SendAsync(context, entry, HitInMemory);
    }

    private async Task LoadAsync(HttpContext context, string key)
    {
        var load = LoadOf(context);
        var under = Tags(context);
        try
        {
            var entry = warmup?.IsOn(context.Request) == true
                ? await cache.RefreshEntryAsync(key, load, static (load, cancel) => load.RunAsync(cancel), under, context.RequestAborted)
                : await cache.GetEntryAsync(key, load, static (load, cancel) => load.RunAsync(cancel), under, context.RequestAborted);
            await SendAsync(context, entry, load.Succeeded ? Miss : entry.Age(time) >= entry.Lifetime ? Stale : HitInRedis);
        }
        catch (FailedResponseException failed)
        {
            await SendAsync(context, failed.Response, TimeSpan.Zero, Miss);
        }
    }

    private Load LoadOf(HttpContext context) => new(new DetachedRequest(context, handler, http.Vary, scopes, logger));

    private string[]? Tags(HttpContext context) => tags?.Invoke(context).ToArray();

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

    /// <summary>
    /// Each header that the answer varies by, with its length before it; the query as it came, which has no space; the path. In
    /// this order no two requests meet under one key: a path is decoded, and may hold a question mark of its own.
    /// </summary>
    private string Key(HttpRequest request)
    {
        var key = request.QueryString.HasValue
            ? string.Concat(request.QueryString.Value, " ", request.PathBase.Value, request.Path.Value)
            : string.Concat(request.PathBase.Value, request.Path.Value); // begins with a slash, and a query does not
        for (var i = http.Vary.Count - 1; i >= 0; i--)
        {
            var value = request.Headers[http.Vary[i]].ToString();
            key = string.Create(CultureInfo.InvariantCulture, $"{value.Length}:{value} {key}");
        }

        return key;
    }

    /// <summary>Remembers whether this request's handler answered, for the answer's <c>Cache-Status</c>.</summary>
    private sealed class Load(DetachedRequest request)
    {
        public bool Succeeded { get; private set; }

        public async ValueTask<Tenfold.Caching.Loading.Loaded> RunAsync(CancellationToken cancel)
        {
            var loaded = await request.RunAsync(cancel);
            Succeeded = true;
            return loaded;
        }
    }
}
