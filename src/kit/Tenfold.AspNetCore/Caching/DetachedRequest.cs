using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tenfold.Caching.Loading;
using Tenfold.Postgres;

namespace Tenfold.AspNetCore.Caching;

/// <summary>
/// What a cached answer may depend on: the path, the query, and the headers that the policy varies by, of which the host is one.
/// The handler runs with a request made of nothing else, so its answer can be given to everybody with the same key, and it goes
/// on when the first who asked has left.
/// </summary>
internal sealed class DetachedRequest
{
    /// <summary>Headers of the answer that belong to the connection, to one caller, or are written anew with each answer.</summary>
    private static readonly HashSet<string> NotKept = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Date", "Server", "Age", "Set-Cookie",
    };

    /// <summary>For a handler that wants one; whoever asks could send any.</summary>
    private static readonly HostString NoHost = new("localhost");

    private readonly RequestDelegate _handler;
    private readonly IServiceScopeFactory _scopes;
    private readonly ILogger _logger;
    private readonly Endpoint? _endpoint;
    private readonly RouteValueDictionary _route;
    private readonly (string Scheme, string Protocol, PathString Base, PathString Path, QueryString Query) _target;
    private readonly KeyValuePair<string, Microsoft.Extensions.Primitives.StringValues>[] _headers;

    public DetachedRequest(HttpContext context, RequestDelegate handler, IReadOnlyList<string> vary, IServiceScopeFactory scopes, ILogger logger)
    {
        (_handler, _scopes, _logger) = (handler, scopes, logger);
        var request = context.Request;
        _endpoint = context.GetEndpoint();
        _route = new RouteValueDictionary(request.RouteValues);
        _target = (request.Scheme, request.Protocol, request.PathBase, request.Path, request.QueryString);
        _headers = [.. vary.Where(name => request.Headers.ContainsKey(name)).Select(name => KeyValuePair.Create(name, request.Headers[name]))];
    }

    /// <summary>Runs the handler.</summary>
    /// <exception cref="FailedResponseException">It answered with a status of 500 or more.</exception>
    public async ValueTask<Loaded> RunAsync(CancellationToken cancel)
    {
        await using var scope = _scopes.CreateAsyncScope();
        using var body = new MemoryStream();
        var context = new DefaultHttpContext { RequestServices = scope.ServiceProvider, RequestAborted = cancel };
        var request = context.Request;
        (request.Method, request.Scheme, request.Protocol, request.Host, request.PathBase, request.Path, request.QueryString) =
            (HttpMethods.Get, _target.Scheme, _target.Protocol, NoHost, _target.Base, _target.Path, _target.Query);
        foreach (var (name, value) in _headers)
        {
            request.Headers[name] = value;
        }

        request.RouteValues = new RouteValueDictionary(_route);
        context.SetEndpoint(_endpoint);
        // What is kept for everybody must not be older than the invalidation that asked for it, whoever made that.
        context.Features.Set(new Caller { SeesEverything = true });
        context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(body));
        await _handler(context);
        await context.Response.CompleteAsync();
        return Kept(context.Response, body.GetBuffer().AsMemory(0, (int)body.Length));
    }

    private Loaded Kept(HttpResponse response, ReadOnlyMemory<byte> body)
    {
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var (name, value) in response.Headers)
        {
            if (!NotKept.Contains(name))
            {
                headers.Add(new(name, value.ToString()));
            }
        }

        if (response.Headers.SetCookie.Count > 0)
        {
            _logger.LogWarning("{Path} is cached for everybody and set a cookie, which was left out", _target.Path);
        }

        if (response.StatusCode == StatusCodes.Status200OK && string.IsNullOrEmpty(response.Headers.ETag))
        {
            headers.Add(new("ETag", CachedResponse.TagOf(body.Span)));
        }

        var bytes = CachedResponse.Write(response.StatusCode, headers, body.Span);
        if (response.StatusCode >= StatusCodes.Status500InternalServerError)
        {
            throw new FailedResponseException(CachedResponse.Read(bytes));
        }

        var control = response.Headers.CacheControl.ToString();
        var refuses = control.Contains("no-store", StringComparison.OrdinalIgnoreCase) || control.Contains("private", StringComparison.OrdinalIgnoreCase);
        var missing = response.StatusCode is StatusCodes.Status404NotFound or StatusCodes.Status410Gone;
        return new Loaded(bytes)
        {
            IsNegative = missing,
            IsTransient = !missing && (response.StatusCode != StatusCodes.Status200OK || refuses),
        };
    }
}

/// <summary>The handler answered that it failed: a stale answer may stand in; if there is none, this is the answer.</summary>
internal sealed class FailedResponseException(CachedResponse response) : Exception($"The handler answered with status {response.Status}.")
{
    public CachedResponse Response => response;
}
