using Commons.Http;
using Microsoft.AspNetCore.Http;

namespace Commons.Accounts;

/// <summary>The answer to whoever has logged in: tokens for an app, a cookie for a browser.</summary>
internal sealed class LoginReply(AccountsOptions options)
{
    public static SessionKind Kind(string? client) => client == "browser" ? SessionKind.Browser : SessionKind.App;

    public Task SendAsync(HttpContext context, Account account, SessionKind kind, NewSession session, int status)
    {
        context.Response.Headers.CacheControl = "no-store";
        var user = User.Of(account);
        if (kind == SessionKind.App)
        {
            var tokens = Tokens(session.Token, session.RefreshToken!);
            return JsonReply.SendItemAsync(context, new LoggedIn(user, tokens.AccessToken, tokens.RefreshToken, tokens.TokenType, tokens.ExpiresIn), AccountsJson.Default.ItemLoggedIn, status);
        }

        // It outlives the session, whose end only the server knows: that moves with each use.
        context.Response.Cookies.Append(options.Cookie, session.Token, Cookie(context, options.BrowserLifetime));
        return JsonReply.SendItemAsync(context, new LoggedIn(user), AccountsJson.Default.ItemLoggedIn, status);
    }

    public Tokens Tokens(string access, string refresh) => new(access, refresh, "Bearer", (int)options.AccessLifetime.TotalSeconds);

    /// <summary>Takes the cookie back.</summary>
    public void Forget(HttpContext context) => context.Response.Cookies.Delete(options.Cookie, Cookie(context, null));

    private static CookieOptions Cookie(HttpContext context, TimeSpan? lifetime) => new()
    {
        HttpOnly = true,
        IsEssential = true,
        SameSite = SameSiteMode.Lax,
        Secure = context.Request.IsHttps || context.Request.Headers["X-Forwarded-Proto"] == "https",
        Path = "/",
        MaxAge = lifetime,
    };
}
