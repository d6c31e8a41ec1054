using Commons.Accounts;
using static Rez.Tests.Accounts.Api;

namespace Rez.Tests.Accounts;

public sealed class ProfileTests(Shop shop)
{
    [Fact]
    public async Task A_profile_is_one_s_own_and_shows_a_change_at_once()
    {
        using var ann = await shop.LogIn(Access.Customer);
        using var bob = await shop.LogIn(Access.Merchant, 5);
        var before = await ann.Http.CallAsync("GET", "/api/users/me");
        Assert.Equal((200, "no-store", ann.Identity.User.ToString()), (before.Status, before.Response.Headers.CacheControl!.ToString(), (string)before.Data["id"]!));
        Assert.Equal(("merchant", 5), ((string)(await bob.Http.CallAsync("GET", "/api/users/me")).Data["role"]!, (int)(await bob.Http.CallAsync("GET", "/api/users/me")).Data["actsFor"]!));

        var changed = await ann.Http.CallAsync("PATCH", "/api/users/me", new { name = "Ann the Second" });
        Assert.Equal((200, "Ann the Second", 2), (changed.Status, (string)changed.Data["name"]!, (int)changed.Data["version"]!));
        Assert.Equal(changed.Body!.ToJsonString(), (await ann.Http.CallAsync("GET", "/api/users/me")).Body!.ToJsonString());
        Assert.Equal("Somebody", (string)(await bob.Http.CallAsync("GET", "/api/users/me")).Data["name"]!);
        foreach (var body in new[] { "{}", """{"name":""}""", """{"role":"admin"}""", """{"id":"1"}""", """{"name":null}""" })
        {
            Assert.Equal(400, (await ann.Http.CallAsync("PATCH", "/api/users/me", body)).Status);
        }
    }

    [Fact]
    public async Task E_mail_and_phone_change_with_the_password_and_the_old_ones_are_free_for_others()
    {
        var (old, next, taken) = (NewEmail(), NewEmail(), NewEmail());
        var ann = await RegisterAsync(old);
        var eve = await RegisterAsync(taken);
        var from = From(NewAddress());
        Assert.Equal(400, (await ann.CallAsync("PATCH", "/api/users/me", new { email = next })).Status);
        Assert.Equal(401, (await ann.CallAsync("PATCH", "/api/users/me", new { email = next, password = "wrong one" }, from)).Status);
        Assert.Equal(409, (await ann.CallAsync("PATCH", "/api/users/me", new { email = taken, password = Password }, from)).Status);
        Assert.Equal(old, (string)(await ann.CallAsync("GET", "/api/users/me")).Data["email"]!);
        var changed = await ann.CallAsync("PATCH", "/api/users/me", new { email = next, phone = $"+49{Random.Shared.NextInt64(1_000_000_000, 9_999_999_999)}", password = Password }, from);
        Assert.Equal((200, next), (changed.Status, (string)changed.Data["email"]!));
        Assert.Equal(200, (await ann.CallAsync("PATCH", "/api/users/me", new { email = next, name = "Same", password = Password }, from)).Status); // its own is not taken
        Assert.Equal(200, (await shop.Http.CallAsync("POST", "/api/auth/login", new { email = next, password = Password })).Status);
        Assert.Equal(401, (await shop.Http.CallAsync("POST", "/api/auth/login", new { email = old, password = Password }, From(NewAddress()))).Status);
        Assert.Equal(200, (await eve.CallAsync("PATCH", "/api/users/me", new { email = old, password = Password }, from)).Status);
    }

    [Fact]
    public async Task Another_password_ends_the_other_sessions_and_not_this_one()
    {
        var email = NewEmail();
        var ann = await RegisterAsync(email);
        var other = (await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = Password })).Data;
        var listed = (await ann.CallAsync("GET", "/api/auth/sessions")).Data.AsArray();
        Assert.Equal([false, true], listed.Select(session => (bool)session!["isCurrent"]!));

        var from = From(NewAddress());
        Assert.Equal(400, (await ann.CallAsync("POST", "/api/users/me/password", new { currentPassword = Password, newPassword = "short" }, from)).Status);
        Assert.Equal(401, (await ann.CallAsync("POST", "/api/users/me/password", new { currentPassword = "wrong one", newPassword = "a quite new one" }, from)).Status);
        var changed = await ann.CallAsync("POST", "/api/users/me/password", new { currentPassword = Password, newPassword = "a quite new one" }, from);
        Assert.Equal((200, 1), (changed.Status, (int)changed.Data["ended"]!));
        Assert.Equal(401, (await shop.Http.CallAsync("GET", "/api/users/me", null, Bearer((string)other["accessToken"]!))).Status);
        Assert.Equal(401, (await shop.Http.CallAsync("POST", "/api/auth/refresh", new { refreshToken = (string)other["refreshToken"]! })).Status);
        Assert.Equal(200, (await ann.CallAsync("GET", "/api/users/me")).Status);
        Assert.Equal(200, (await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = "a quite new one" })).Status);
    }

    [Fact]
    public async Task Sessions_are_ended_one_by_one_or_all_but_this_one_and_never_another_s()
    {
        using var ann = await shop.LogIn(Access.Customer);
        using var eve = await shop.LogIn(Access.Customer);
        var sessions = shop.Service<Sessions>();
        var second = (await sessions.CreateAsync(ann.Identity.User, SessionKind.Browser, new Device("192.0.2.9", new string('x', 500)), null, default))!;
        await sessions.CreateAsync(ann.Identity.User, SessionKind.App, new Device("192.0.2.9", "phone"), null, default);
        var listed = (await ann.Http.CallAsync("GET", "/api/auth/sessions")).Data.AsArray();
        Assert.Equal(["app", "browser", "app"], listed.Select(session => (string)session!["kind"]!));
        Assert.Equal(("192.0.2.9", 200), ((string)listed[1]!["address"]!, ((string)listed[1]!["agent"]!).Length));

        Assert.Equal(404, (await eve.Http.CallAsync("DELETE", $"/api/auth/sessions/{second.Identity.Session}")).Status);
        Assert.Equal(200, (await ann.Http.CallAsync("DELETE", $"/api/auth/sessions/{second.Identity.Session}")).Status);
        Assert.Equal(404, (await ann.Http.CallAsync("DELETE", $"/api/auth/sessions/{second.Identity.Session}")).Status);
        Assert.Equal(1, (int)(await ann.Http.CallAsync("DELETE", "/api/auth/sessions")).Data["ended"]!);
        Assert.Single((await ann.Http.CallAsync("GET", "/api/auth/sessions")).Data.AsArray());
        Assert.Equal(1, (int)(await ann.Http.CallAsync("POST", "/api/auth/logout")).Data["ended"]!);
        Assert.Equal(401, (await ann.Http.CallAsync("GET", "/api/auth/sessions")).Status);
        Assert.Equal(200, (await eve.Http.CallAsync("GET", "/api/auth/sessions")).Status);
    }

    private async Task<HttpClient> RegisterAsync(string email)
    {
        var answer = await shop.Http.CallAsync("POST", "/api/auth/register", new { name = "Ann", email, password = Password });
        Assert.Equal(201, answer.Status);
        return new HttpClient { BaseAddress = shop.Http.BaseAddress, Timeout = Shop.Wait, DefaultRequestHeaders = { Authorization = new("Bearer", (string)answer.Data["accessToken"]!) } };
    }
}
