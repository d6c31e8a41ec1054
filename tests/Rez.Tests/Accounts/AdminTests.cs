using Commons.Accounts;
using Rez.Admin;
using Tenfold.Postgres.Shards;
using static Rez.Tests.Accounts.Api;

namespace Rez.Tests.Accounts;

public sealed class AdminTests(Shop shop)
{
    [Fact]
    public async Task A_deactivated_account_loses_its_sessions_at_once_and_cannot_come_back_until_it_is_activated()
    {
        using var admin = await shop.LogIn(Access.Admin);
        var email = NewEmail();
        var registered = (await shop.Http.CallAsync("POST", "/api/auth/register", new { name = "Ann", email, password = Password })).Data;
        var id = (string)registered["user"]!["id"]!;
        var (access, refresh) = ((string)registered["accessToken"]!, (string)registered["refreshToken"]!);
        Assert.Equal(200, (await shop.Http.CallAsync("GET", "/api/users/me", null, Bearer(access))).Status); // cached

        var off = await admin.Http.CallAsync("PATCH", $"/api/admin/users/{id}", new { isActive = false });
        Assert.Equal((200, false, 2), (off.Status, (bool)off.Data["isActive"]!, (int)off.Data["version"]!));
        Assert.Equal(401, (await shop.Http.CallAsync("GET", "/api/users/me", null, Bearer(access))).Status);
        Assert.Equal(401, (await shop.Http.CallAsync("POST", "/api/auth/refresh", new { refreshToken = refresh })).Status);
        var login = await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = Password });
        Assert.Equal((403, "This account has been deactivated."), (login.Status, login.Detail));
        Assert.Equal(401, (await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = "not this one" }, From(NewAddress()))).Status); // whoever does not know the password learns nothing

        Assert.Equal(200, (await admin.Http.CallAsync("PATCH", $"/api/admin/users/{id}", new { isActive = true })).Status);
        Assert.Equal(401, (await shop.Http.CallAsync("GET", "/api/users/me", null, Bearer(access))).Status); // the old session stays ended
        Assert.Equal(200, (await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = Password })).Status);

        var entries = (await admin.Http.CallAsync("GET", $"/api/admin/audit?subject=account:{id}")).Data.AsArray();
        Assert.Equal(2, entries.Count);
        Assert.Equal(
            (admin.Identity.User.ToString(), "admin", "account.change", false, true, "127.0.0.1"),
            ((string)entries[0]!["actor"]!, (string)entries[0]!["role"]!, (string)entries[0]!["action"]!, (bool)entries[0]!["before"]!["isActive"]!, (bool)entries[0]!["after"]!["isActive"]!, (string)entries[0]!["address"]!));
    }

    [Fact]
    public async Task Another_role_counts_for_the_sessions_that_there_are()
    {
        using var admin = await shop.LogIn(Access.Admin);
        using var ann = await shop.LogIn(Access.Customer);
        Assert.Equal(403, (await ann.Http.CallAsync("GET", "/api/merchants/7/imports")).Status);
        var id = ann.Identity.User;
        foreach (var wrong in new[] { """{"role":"merchant"}""", """{"role":"customer","merchantId":7}""", """{"merchantId":7}""", """{"role":"emperor"}""", "{}", """{"role":"merchant","merchantId":999999}""", """{"isActive":null}""" })
        {
            Assert.Equal(400, (await admin.Http.CallAsync("PATCH", $"/api/admin/users/{id}", wrong)).Status);
        }

        var changed = await admin.Http.CallAsync("PATCH", $"/api/admin/users/{id}", new { role = "merchant", merchantId = 7 });
        Assert.Equal(("merchant", 7), ((string)changed.Data["role"]!, (int)changed.Data["actsFor"]!));
        Assert.Equal(200, (await ann.Http.CallAsync("GET", "/api/merchants/7/imports")).Status);
        Assert.Equal(404, (await ann.Http.CallAsync("GET", "/api/merchants/8/imports")).Status);
        Assert.Equal("merchant", (string)(await ann.Http.CallAsync("GET", "/api/users/me")).Data["role"]!);
        await admin.Http.CallAsync("PATCH", $"/api/admin/users/{id}", new { isActive = true });
        Assert.Equal(200, (await ann.Http.CallAsync("GET", "/api/merchants/7/imports")).Status); // its merchant stays
        await admin.Http.CallAsync("PATCH", $"/api/admin/users/{id}", new { role = "customer" });
        Assert.Equal(403, (await ann.Http.CallAsync("GET", "/api/merchants/7/imports")).Status);

        Assert.Equal(409, (await admin.Http.CallAsync("PATCH", $"/api/admin/users/{admin.Identity.User}", new { isActive = false })).Status);
        Assert.Equal(404, (await admin.Http.CallAsync("PATCH", "/api/admin/users/4711", new { isActive = false })).Status);
        Assert.Equal(404, (await admin.Http.CallAsync("GET", $"/api/admin/users/{long.MaxValue}")).Status);
        Assert.Equal(400, (await admin.Http.CallAsync("GET", "/api/admin/users/me")).Status);
    }

    [Fact]
    public async Task Accounts_are_found_by_e_mail_and_phone_and_walked_from_the_newest_on()
    {
        using var admin = await shop.LogIn(Access.Admin);
        var (email, phone) = (NewEmail(), $"+49{Random.Shared.NextInt64(1_000_000_000, 9_999_999_999)}");
        var added = (await shop.Service<AccountTable>().AddAsync(new NewAccount(email, phone, "Bea", Access.Customer, null, "none"), null, default)).Id!.Value;
        Assert.Equal(added.ToString(), Assert.Single(await IdsAsync($"?email={email.ToUpperInvariant()}")));
        Assert.Equal(added.ToString(), Assert.Single(await IdsAsync($"?phone={Uri.EscapeDataString(phone)}")));
        Assert.Empty(await IdsAsync($"?email={NewEmail()}"));
        Assert.Empty(await IdsAsync($"?email={email}&phone=%2B4930000000"));
        Assert.Equal(email, (string)(await admin.Http.CallAsync("GET", $"/api/admin/users/{added}")).Data["email"]!);

        var walked = new List<string>();
        for (var path = "?limit=2"; walked.Count < 6;)
        {
            var page = await admin.Http.CallAsync("GET", "/api/admin/users" + path);
            walked.AddRange(page.Data.AsArray().Select(user => (string)user!["id"]!));
            if (page.Body!["pagination"]!["nextCursor"] is not { } next)
            {
                break;
            }

            path = $"?limit=2&cursor={next}";
        }

        Assert.Equal(walked.Select(long.Parse).OrderDescending(), walked.Select(long.Parse));
        Assert.Equal(walked.Count, walked.Distinct().Count());
        Assert.Contains(added.ToString(), walked);
        foreach (var wrong in new[] { "?email=x", "?phone=0151", "?limit=0", "?cursor=x", "?role=admin" })
        {
            Assert.Equal(400, (await admin.Http.CallAsync("GET", "/api/admin/users" + wrong)).Status);
        }

        async Task<string[]> IdsAsync(string query) => [.. (await admin.Http.CallAsync("GET", "/api/admin/users" + query)).Data.AsArray().Select(user => (string)user!["id"]!)];
    }

    [Fact]
    public async Task The_log_is_walked_by_who_and_by_what()
    {
        using var admin = await shop.LogIn(Access.Admin);
        using var ann = await shop.LogIn(Access.Customer);
        for (var i = 0; i < 5; i++)
        {
            await admin.Http.CallAsync("PATCH", $"/api/admin/users/{ann.Identity.User}", new { isActive = i % 2 == 1 });
        }

        var first = await admin.Http.CallAsync("GET", $"/api/admin/audit?actor={admin.Identity.User}&limit=3");
        var second = await admin.Http.CallAsync("GET", $"/api/admin/audit?actor={admin.Identity.User}&limit=3&cursor={first.Body!["pagination"]!["nextCursor"]}");
        var ids = first.Data.AsArray().Concat(second.Data.AsArray()).Select(entry => long.Parse((string)entry!["id"]!)).ToList();
        Assert.Equal(5, ids.Count);
        Assert.Equal(ids.OrderDescending(), ids);
        Assert.False((bool)second.Body!["pagination"]!["hasMore"]!);
        Assert.Empty((await admin.Http.CallAsync("GET", $"/api/admin/audit?actor={ann.Identity.User}")).Data.AsArray());
        Assert.NotEmpty((await admin.Http.CallAsync("GET", "/api/admin/audit")).Data.AsArray());
        Assert.Equal(400, (await admin.Http.CallAsync("GET", "/api/admin/audit?actor=1&subject=x")).Status);
        Assert.Equal(400, (await admin.Http.CallAsync("GET", "/api/admin/audit?actor=ann")).Status);
    }

    [Fact]
    public async Task A_change_that_fails_leaves_no_entry()
    {
        using var ann = await shop.LogIn(Access.Customer);
        var user = ann.Identity.User;
        var actor = new Commons.Audit.Actor(user, Access.Admin, null, "test");
        var store = shop.Service<ShardedStore>();
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.WriteAsync<bool>(
            user,
            async (write, cancel) =>
            {
                await shop.Service<Commons.Audit.AuditLog>().WriteAsync(write, actor, "test", $"account:{user}", null, new() { ["x"] = 1 }, cancel);
                throw new InvalidOperationException();
            },
            null,
            default));
        Assert.Equal(0, await shop.ScalarAsync<long>($"SELECT count(*) FROM audit_log WHERE subject = 'account:{user}'"));
    }

    [Fact]
    public async Task The_first_administrator_is_made_by_a_command_that_takes_the_password_from_where_nobody_sees_it()
    {
        var email = NewEmail();
        var (output, errors) = (new StringWriter(), new StringWriter());
        Assert.Equal(0, await RunAsync(["create", "--email", email.ToUpperInvariant()], null, Password + "\nmore"));
        Assert.Contains(email, output.ToString(), StringComparison.Ordinal);
        var login = await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = Password });
        Assert.Equal("admin", (string)login.Data["user"]!["role"]!);
        Assert.Equal(200, (await shop.Http.CallAsync("GET", "/api/admin/audit", null, Bearer((string)login.Data["accessToken"]!))).Status);

        Assert.Equal(1, await RunAsync(["create", "--email", email], Password, ""));
        Assert.Contains("already", errors.ToString(), StringComparison.Ordinal);
        foreach (var wrong in new string[][] { [], ["create"], ["create", "--email"], ["create", "--email", "x"], ["create", "--email", NewEmail(), "--password", Password], ["delete", "--email", email] })
        {
            Assert.Equal(2, await RunAsync(wrong, Password, ""));
        }

        Assert.Equal(2, await RunAsync(["create", "--email", NewEmail()], "short", ""));
        Assert.Equal(2, await RunAsync(["create", "--email", NewEmail()], null, ""));

        Task<int> RunAsync(string[] args, string? password, string input) =>
            AdminCommand.RunAsync(args, password, new StringReader(input), output, errors, shop.Service<AccountAdmin>(), default);
    }
}
