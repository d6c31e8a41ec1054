using System.Net;
using Commons.Accounts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using static Rez.Tests.Accounts.Api;

namespace Rez.Tests.Accounts;

public sealed class ThrottleTests(Shop shop)
{
    private static readonly IPAddress Home = IPAddress.Parse("192.0.2.1");

    [Fact]
    public async Task Guessing_one_account_from_one_address_ends_after_five_and_the_owner_elsewhere_does_not_notice()
    {
        var email = NewEmail();
        Assert.Equal(201, (await shop.Http.CallAsync("POST", "/api/auth/register", new { name = "Ann", email, password = Password })).Status);
        var attacker = From(NewAddress());
        var guesses = await Task.WhenAll(Enumerable.Range(0, 8).Select(n => shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = $"guess {n}" }, attacker)));
        Assert.Equal(5, guesses.Count(answer => answer.Status == 401)); // also when they come at the same time
        var refused = guesses.Where(answer => answer.Status == 429).ToList();
        Assert.Equal(3, refused.Count);
        Assert.InRange(refused[0].Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 900);
        Assert.Equal(429, (await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = Password }, attacker)).Status); // nor does the right one help
        Assert.Equal(200, (await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = Password }, From(NewAddress()))).Status);
    }

    [Fact]
    public async Task A_name_that_nobody_has_is_throttled_alike()
    {
        await using var throttle = NewThrottle();
        await FailAsync(throttle, "nobody", Home, 5);
        Assert.NotNull(await throttle.LookAsync("nobody", Home, Never));
        Assert.Null(await throttle.LookAsync("somebody else", Home, Never));
    }

    [Fact]
    public async Task An_account_under_attack_from_everywhere_lets_its_owner_in_from_where_it_was_logged_in_before()
    {
        await using var throttle = NewThrottle();
        for (var host = 0; host < LoginThrottle.PerAccount.Limit; host++)
        {
            Assert.Null(await throttle.LookAsync("ann", Far(host), Never));
            await throttle.FailedAsync("ann", Far(host));
        }

        Assert.InRange((await throttle.LookAsync("ann", Far(200), Never))!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
        Assert.Null(await throttle.LookAsync("ann", Home, () => Task.FromResult(true)));
        await FailAsync(throttle, "ann", Home, 5); // whoever guesses from there
        Assert.NotNull(await throttle.LookAsync("ann", Home, () => Task.FromResult(true)));

        static IPAddress Far(int host) => new([203, 0, 113, (byte)host]);
    }

    [Fact]
    public async Task An_address_that_tries_many_accounts_is_stopped()
    {
        await using var throttle = NewThrottle();
        for (var account = 0; account < LoginThrottle.PerAddress.Limit; account++)
        {
            Assert.Null(await throttle.LookAsync($"account {account}", Home, Never));
            await throttle.FailedAsync($"account {account}", Home);
        }

        Assert.NotNull(await throttle.LookAsync("one more", Home, () => Task.FromResult(true)));
        Assert.Null(await throttle.LookAsync("one more", IPAddress.Parse("192.0.2.2"), Never));
    }

    [Fact]
    public async Task Where_an_account_was_logged_in_is_known()
    {
        using var login = await shop.LogIn(Access.Customer);
        var sessions = shop.Service<Sessions>();
        Assert.True(await sessions.WasUsedFromAsync(login.Identity.User, "127.0.0.1", null, default));
        Assert.False(await sessions.WasUsedFromAsync(login.Identity.User, "127.0.0.2", null, default));
        using var other = await shop.LogIn(Access.Customer);
        await sessions.CreateAsync(other.Identity.User, SessionKind.App, new Device("127.0.0.2", ""), null, default);
        Assert.False(await sessions.WasUsedFromAsync(login.Identity.User, "127.0.0.2", null, default)); // somebody else
    }

    private static Task<bool> Never() => Task.FromResult(false);

    private static LoginThrottle NewThrottle() =>
        new(new AccountsOptions { System = "test" }, new ConfigurationBuilder().Build(), TimeProvider.System, NullLoggerFactory.Instance);

    private static async Task FailAsync(LoginThrottle throttle, string name, IPAddress address, int times)
    {
        for (var i = 0; i < times; i++)
        {
            await throttle.FailedAsync(name, address);
        }
    }
}
