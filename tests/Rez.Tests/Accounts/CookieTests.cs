using Commons.Accounts;
using static Rez.Tests.Accounts.Api;

namespace Rez.Tests.Accounts;

/// <summary>Sessions of browsers, by cookie.</summary>
public sealed class CookieTests(Shop shop)
{
    [Fact]
    public async Task A_browser_gets_a_cookie_that_its_scripts_cannot_read_and_logs_out_with_it()
    {
        using var http = NewBrowser();
        var answer = await http.CallAsync("POST", "/api/auth/register", new { name = "Ann", email = NewEmail(), password = Password, client = "browser" });
        Assert.Equal(201, answer.Status);
        Assert.Null(answer.Data["accessToken"]);
        var (cookie, set) = CookieOf(answer);
        Assert.Contains("httponly", set, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", set, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secure", set, StringComparison.OrdinalIgnoreCase); // over http

        Assert.Equal(200, (await http.CallAsync("GET", "/api/users/me", null, cookie)).Status);
        Assert.Equal(401, (await http.CallAsync("GET", "/api/users/me", null, Bearer(cookie.Value.Split('=')[1]))).Status); // a cookie is no access token
        var left = await http.CallAsync("POST", "/api/auth/logout", null, cookie, Origin(http));
        Assert.Equal((200, 1), (left.Status, (int)left.Data["ended"]!));
        Assert.Contains(left.Response.Headers.GetValues("Set-Cookie"), value => value.StartsWith("rez_session=;", StringComparison.Ordinal));
        Assert.Equal(401, (await http.CallAsync("GET", "/api/users/me", null, cookie)).Status);
    }

    [Fact]
    public async Task Behind_TLS_the_cookie_is_secure()
    {
        using var http = NewBrowser();
        var answer = await http.CallAsync("POST", "/api/auth/register", new { name = "Ann", email = NewEmail(), password = Password, client = "browser" }, ("X-Forwarded-Proto", "https"));
        Assert.Contains("secure", CookieOf(answer).Set, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("https://evil.example", null, 403)]
    [InlineData("http://127.0.0.1", null, 403)] // another port is another site
    [InlineData("null", null, 403)]
    [InlineData(null, null, 403)]
    [InlineData(null, "cross-site", 403)]
    [InlineData(null, "same-site", 403)]
    [InlineData(null, "same-origin", 200)]
    [InlineData("own", null, 200)]
    public async Task An_unsafe_request_with_a_cookie_must_come_from_a_page_of_this_site(string? origin, string? site, int status)
    {
        using var http = NewBrowser();
        var cookie = await CookieAsync();
        List<(string, string)> headers = [cookie];
        if (origin is not null)
        {
            headers.Add(("Origin", origin == "own" ? Origin(http).Value : origin));
        }

        if (site is not null)
        {
            headers.Add(("Sec-Fetch-Site", site));
        }

        Assert.Equal(status, (await http.CallAsync("PATCH", "/api/users/me", new { name = "Eve" }, [.. headers])).Status);
        Assert.Equal(200, (await http.CallAsync("GET", "/api/users/me", null, [.. headers])).Status); // reading changes nothing
    }

    [Fact]
    public async Task A_session_that_is_used_stays_and_one_that_is_not_runs_out()
    {
        using var http = NewBrowser();
        var cookie = await CookieAsync();
        var id = SessionToken.Parse(cookie.Value.Split('=')[1])!.Session;
        await ExecuteAsync($"UPDATE sessions SET used_at = now() - interval '20 h', token_expires_at = now() + interval '4 h', expires_at = now() + interval '4 h' WHERE id = {id}");
        Assert.Equal(200, (await http.CallAsync("GET", "/api/users/me", null, cookie)).Status);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (!await shop.ScalarAsync<bool>($"SELECT used_at > now() - interval '1 h' AND expires_at > now() + interval '23 h' AND token_expires_at = expires_at FROM sessions WHERE id = {id}"))
        {
            Assert.True(clock.Elapsed < Shop.Wait, "its use is not noted");
            await Task.Delay(20);
        }

        await ExecuteAsync($"UPDATE sessions SET token_expires_at = now() - interval '1 s' WHERE id = {id}");
        await shop.Service<Sessions>().InvalidateAsync([id.Value]);
        Assert.Equal(401, (await http.CallAsync("GET", "/api/users/me", null, cookie)).Status);
    }

    private HttpClient NewBrowser() => new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = shop.Http.BaseAddress, Timeout = Shop.Wait };

    /// <summary>Of a session that was made without hashing.</summary>
    private async Task<(string Name, string Value)> CookieAsync()
    {
        using var account = await shop.LogIn(Access.Customer);
        return ("Cookie", "rez_session=" + (await shop.Service<Sessions>().CreateAsync(account.Identity.User, SessionKind.Browser, new Device("192.0.2.1", "browser"), null, default))!.Token);
    }

    private static ((string Name, string Value) Cookie, string Set) CookieOf(Answer answer)
    {
        var set = answer.Response.Headers.GetValues("Set-Cookie").Single(value => value.StartsWith("rez_session=", StringComparison.Ordinal));
        return (("Cookie", set.Split(';')[0]), set);
    }

    private static (string Name, string Value) Origin(HttpClient http) => ("Origin", http.BaseAddress!.GetLeftPart(UriPartial.Authority));

    private async Task ExecuteAsync(string sql)
    {
        await using var command = shop.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
