using Commons.Accounts;
using static Rez.Tests.Accounts.Api;

namespace Rez.Tests.Accounts;

public sealed class RefreshTests(Shop shop)
{
    [Fact]
    public async Task Each_refresh_token_is_used_once_and_brings_the_next_pair()
    {
        var (first, session) = await NewAsync();
        var second = await RefreshAsync(session.RefreshToken!);
        Assert.Equal((200, "Bearer", 900), (second.Status, (string)second.Data["tokenType"]!, (int)second.Data["expiresIn"]!));
        Assert.Equal(401, await MeAsync(session.Token)); // replaced
        Assert.Equal(200, await MeAsync((string)second.Data["accessToken"]!));
        var third = await RefreshAsync((string)second.Data["refreshToken"]!);
        Assert.Equal(200, third.Status);
        Assert.Equal(401, await MeAsync((string)third.Data["refreshToken"]!)); // not an access token
        Assert.Equal(401, (await RefreshAsync((string)third.Data["accessToken"]!)).Status); // nor the other way
        Assert.Equal(200, await MeAsync((string)third.Data["accessToken"]!)); // which ended nothing
        first.Dispose();
    }

    [Fact]
    public async Task A_refresh_token_that_comes_a_second_time_ends_its_family_and_no_other()
    {
        var (account, stolen) = await NewAsync();
        using (account)
        {
            var other = await shop.Service<Sessions>().CreateAsync(account.Identity.User, SessionKind.App, new Device("192.0.2.7", "other"), null, default);
            var next = await RefreshAsync(stolen.RefreshToken!);
            var again = await RefreshAsync(stolen.RefreshToken!);
            Assert.Equal(401, again.Status);
            Assert.Contains("used before", again.Detail, StringComparison.Ordinal);
            Assert.Equal(401, await MeAsync((string)next.Data["accessToken"]!));
            Assert.Equal(401, (await RefreshAsync((string)next.Data["refreshToken"]!)).Status);
            Assert.Equal(200, await MeAsync(other!.Token));
            Assert.Equal(200, (await RefreshAsync(other.RefreshToken!)).Status);
        }
    }

    [Fact]
    public async Task Of_many_at_the_same_time_one_is_first_and_the_family_is_ended_by_the_others()
    {
        for (var round = 0; round < 3; round++)
        {
            var (account, session) = await NewAsync();
            using (account)
            {
                var all = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RefreshAsync(session.RefreshToken!)));
                var won = Assert.Single(all, answer => answer.Status == 200);
                Assert.Equal(7, all.Count(answer => answer.Status == 401));
                Assert.Equal(401, await MeAsync((string)won.Data["accessToken"]!));
                Assert.Equal(401, (await RefreshAsync((string)won.Data["refreshToken"]!)).Status);
            }
        }
    }

    [Fact]
    public async Task One_that_has_expired_or_was_made_up_ends_nothing()
    {
        var (account, session) = await NewAsync();
        using (account)
        {
            Assert.Equal(401, (await RefreshAsync(SessionToken.New(session.Identity.Session).Text)).Status);
            Assert.Equal(200, await MeAsync(session.Token));
            await ExecuteAsync($"UPDATE refresh_tokens SET expires_at = now() - interval '1 s' WHERE session_id = {session.Identity.Session}");
            Assert.Equal(401, (await RefreshAsync(session.RefreshToken!)).Status);
            Assert.Equal(200, await MeAsync(session.Token));
        }

        Assert.Equal(401, (await RefreshAsync("x")).Status);
        Assert.Equal(400, (await shop.Http.CallAsync("POST", "/api/auth/refresh", "{}")).Status);
    }

    [Fact]
    public async Task An_access_token_runs_out()
    {
        var (account, session) = await NewAsync();
        using (account)
        {
            await ExecuteAsync($"UPDATE sessions SET token_expires_at = now() - interval '1 s' WHERE id = {session.Identity.Session}"); // before anybody has asked
            Assert.Equal(401, await MeAsync(session.Token));
        }
    }

    [Fact]
    public async Task What_ran_out_a_month_ago_is_deleted()
    {
        var (account, session) = await NewAsync();
        using (account)
        {
            await ExecuteAsync($"UPDATE sessions SET expires_at = now() - interval '31 days' WHERE id = {session.Identity.Session}");
            var cleaner = new SessionCleaner(shop.Service<Tenfold.Postgres.Shards.ShardedStore>(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<SessionCleaner>.Instance);
            Assert.InRange(await cleaner.CleanAsync(TimeSpan.FromDays(30), default), 1, 500);
            Assert.Equal(0, await cleaner.CleanAsync(TimeSpan.FromDays(30), default));
            Assert.Equal(0, await shop.ScalarAsync<long>($"SELECT count(*) FROM refresh_tokens WHERE session_id = {session.Identity.Session}"));
            Assert.Equal(1, await shop.ScalarAsync<long>($"SELECT count(*) FROM sessions WHERE id = {account.Identity.Session}"));
        }
    }

    private async Task<(Login Account, NewSession Session)> NewAsync()
    {
        var account = await shop.LogIn(Access.Customer);
        return (account, (await shop.Service<Sessions>().CreateAsync(account.Identity.User, SessionKind.App, new Device("192.0.2.1", "test"), null, default))!);
    }

    private Task<Answer> RefreshAsync(string refreshToken) => shop.Http.CallAsync("POST", "/api/auth/refresh", new { refreshToken });

    private async Task<int> MeAsync(string token) => (await shop.Http.CallAsync("GET", "/api/users/me", null, Bearer(token))).Status;

    private async Task ExecuteAsync(string sql)
    {
        await using var command = shop.Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
