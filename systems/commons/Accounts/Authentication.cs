using Commons.OpenApi;
using Microsoft.AspNetCore.Http;
using Tenfold.AspNetCore.Errors;

namespace Commons.Accounts;

/// <summary>
/// Finds out who makes a request and keeps out who may not call the operation (<see cref="Operation.Access"/>): 401 without a token or
/// cookie that holds, 403 with the wrong role. What belongs to one user or merchant is looked at by the operation itself.
/// </summary>
internal sealed class Authentication(RequestDelegate next, Sessions sessions, AccountsOptions options)
{
    public Task InvokeAsync(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<Operation>() is { Access: not Access.Anyone and var access } ? AuthenticateAsync(context, access) : next(context);

    private async Task AuthenticateAsync(HttpContext context, Access access)
    {
        context.Response.Headers.CacheControl = "no-store"; // it is somebody's own, unless the operation says otherwise
        var credentials = Credentials.Of(context.Request, options.Cookie);
        var identity = credentials.Token is { } token ? await sessions.FindAsync(token, credentials.Kind, context.RequestAborted) : null;
        if (identity is null)
        {
            // A cookie that has run out is a guest; whoever sends a token is told that it has, to use the next one.
            await (access.HasFlag(Access.Guest) && !credentials.IsHeader ? next(context) : UnauthorizedAsync(context, credentials));
        }
        else if (credentials.Kind == SessionKind.Browser && !SameOrigin.Allows(context.Request))
        {
            await Problem.WriteAsync(
                context, StatusCodes.Status403Forbidden, $"A {context.Request.Method} with a cookie must come from a page of this site: its Origin is '{context.Request.Headers.Origin}', this is '{context.Request.Host}'.");
        }
        else if ((access & (identity.Role | Access.Guest)) == Access.Anyone)
        {
            await Problem.WriteAsync(
                context, StatusCodes.Status403Forbidden, $"This is for {string.Join(" and ", Roles.ByName.Where(role => access.HasFlag(role.Value)).Select(role => role.Key + "s"))}; you are logged in as a {identity.Role.Name()}.");
        }
        else
        {
            context.Features.Set(identity);
            await next(context);
        }
    }

    private static Task UnauthorizedAsync(HttpContext context, Credentials credentials)
    {
        context.Response.Headers.WWWAuthenticate = credentials.IsGiven ? "Bearer error=\"invalid_token\"" : "Bearer";
        return Problem.WriteAsync(
            context,
            StatusCodes.Status401Unauthorized,
            credentials.IsGiven ? "The token or cookie does not hold: it has expired, was replaced, or its session has ended. Refresh it or log in." : "Log in: this needs a token (Authorization: Bearer TOKEN) or a session's cookie.");
    }
}

/// <summary>What a request proves itself with.</summary>
/// <param name="Token">The token; null when there is none, or what there is is none.</param>
/// <param name="Kind">What it is of: a cookie is a browser's.</param>
/// <param name="IsGiven">Whether there is something.</param>
internal readonly record struct Credentials(SessionToken? Token, SessionKind Kind, bool IsGiven)
{
    private const string Scheme = "Bearer ";

    public bool IsHeader => IsGiven && Kind == SessionKind.App;

    /// <summary>The header, else the cookie.</summary>
    public static Credentials Of(HttpRequest request, string cookie)
    {
        if (request.Headers.Authorization is [{ Length: > 0 } header, ..])
        {
            return new(header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? SessionToken.Parse(header[Scheme.Length..].Trim()) : null, SessionKind.App, true);
        }

        var text = request.Cookies[cookie];
        return new(SessionToken.Parse(text), SessionKind.Browser, !string.IsNullOrEmpty(text));
    }
}

/// <summary>
/// Keeps other sites' pages from changing something with a visitor's cookie (cross-site request forgery): browsers say where an unsafe
/// request comes from, and pages cannot change what they say.
/// </summary>
internal static class SameOrigin
{
    public static bool Allows(HttpRequest request)
    {
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
        {
            return true;
        }

        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0)
        {
            return request.Headers["Sec-Fetch-Site"] == "same-origin";
        }

        var at = origin.IndexOf("://", StringComparison.Ordinal);
        return at > 0 && (Is(origin.AsSpan(at + 3), request.Host.Value) || Is(origin.AsSpan(at + 3), request.Headers["X-Forwarded-Host"]));
    }

    private static bool Is(ReadOnlySpan<char> host, string? own) => own is { Length: > 0 } && host.Equals(own, StringComparison.OrdinalIgnoreCase);
}
