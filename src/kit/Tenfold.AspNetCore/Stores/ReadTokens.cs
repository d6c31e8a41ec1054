using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tenfold.Postgres;
using Tenfold.Postgres.Tokens;

namespace Tenfold.AspNetCore.Stores;

/// <summary>Carries a caller's read tokens from one request to the next.</summary>
internal static class ReadTokens
{
    public const string Cookie = "tenfold-read";
    public const string Header = "Tenfold-Read";

    // Replicas that are further behind serve nobody.
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(10);

    /// <summary>Whether a valid token came with the request: its caller has written something lately.</summary>
    public static bool HasWritten(HttpContext context)
    {
        var headers = context.Request.Headers;
        return (headers.ContainsKey(Header) || headers.Cookie.ToString().Contains(Cookie, StringComparison.Ordinal))
            && context.RequestServices.GetService<TokenSigner>() is { } signer
            && (context.Features.Get<Caller>() ?? Begin(context, signer)).Tokens.Count > 0;
    }

    public static Caller Begin(HttpContext context, TokenSigner signer)
    {
        var text = context.Request.Headers.TryGetValue(Header, out var header) ? header.ToString() : context.Request.Cookies[Cookie];
        var caller = string.IsNullOrEmpty(text) ? new Caller() : new Caller(signer.Read(text));
        context.Features.Set(caller);
        var before = caller.Tokens;
        context.Response.OnStarting(() => EndAsync(context, signer, caller, before));
        return caller;
    }

    private static async Task EndAsync(HttpContext context, TokenSigner signer, Caller caller, IReadOnlyList<ReadToken> before)
    {
        if (caller.IsWriting)
        {
            // Not the request's own signal: what was written stays written when the client has left.
            await caller.TakeTokensAsync(CancellationToken.None);
        }

        if (ReferenceEquals(caller.Tokens, before))
        {
            return;
        }

        var text = signer.Write(caller.Tokens);
        context.Response.Headers[Header] = text;
        context.Response.Cookies.Append(Cookie, text, new CookieOptions
        {
            HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = context.Request.IsHttps, Path = "/", MaxAge = Lifetime, IsEssential = true,
        });
    }
}
