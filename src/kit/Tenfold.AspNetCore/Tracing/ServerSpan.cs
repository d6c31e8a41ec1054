using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Tenfold.AspNetCore.Tracing;

/// <summary>What a server's span says by OpenTelemetry's conventions for HTTP; ASP.NET Core 10 leaves it out.</summary>
internal static class ServerSpan
{
    /// <summary>Describes a request that has been answered, if somebody records it.</summary>
    public static void Describe(HttpContext context)
    {
        if (Activity.Current is not { IsAllDataRequested: true } span)
        {
            return;
        }

        var (request, status) = (context.Request, context.Response.StatusCode);
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        span.DisplayName = route is null ? request.Method : $"{request.Method} {route}";
        span.SetTag("http.request.method", request.Method);
        span.SetTag("http.route", route);
        span.SetTag("url.scheme", request.Scheme);
        span.SetTag("url.path", request.Path.Value);
        span.SetTag("http.response.status_code", status);
        if (status >= 500)
        {
            span.SetStatus(ActivityStatusCode.Error);
        }
    }
}
