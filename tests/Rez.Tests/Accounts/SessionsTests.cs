using Commons.Accounts;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Accounts;

public sealed class SessionsTests(Shop shop)
{
    private static readonly Device Device = new("192.0.2.1", "test");

    private Sessions Sessions => shop.Service<Sessions>();

    [Fact]
    public async Task A_token_stands_for_its_account_until_its_session_ends()
    {
        using var merchant = await shop.LogIn(Access.Merchant, 17);
        var token = SessionToken.Parse(merchant.Token)!;
        Assert.Equal(merchant.Identity, await Sessions.FindAsync(token, SessionKind.App, default));
        Assert.Equal((Access.Merchant, 17L), (merchant.Identity.Role, merchant.Identity.ActsFor));

        using var other = await shop.LogIn(Access.Customer);
        Assert.False(await Sessions.EndAsync(other.Identity.User, merchant.Identity.Session, null, default)); // not its own
        Assert.NotNull(await Sessions.FindAsync(token, SessionKind.App, default));
        Assert.True(await Sessions.EndAsync(merchant.Identity.User, merchant.Identity.Session, null, default));
        Assert.Null(await Sessions.FindAsync(token, SessionKind.App, default));
        Assert.False(await Sessions.EndAsync(merchant.Identity.User, merchant.Identity.Session, null, default));
    }

    [Fact]
    public async Task A_secret_that_is_not_the_session_s_is_refused_whether_it_is_cached_or_not()
    {
        using var customer = await shop.LogIn(Access.Customer);
        for (var i = 0; i < 2; i++)
        {
            Assert.Null(await Sessions.FindAsync(SessionToken.New(customer.Identity.Session).Token, SessionKind.App, default));
            Assert.Null(await Sessions.FindAsync(SessionToken.Parse(customer.Token)!, SessionKind.Browser, default)); // no cookie
            Assert.NotNull(await Sessions.FindAsync(SessionToken.Parse(customer.Token)!, SessionKind.App, default));
        }

        Assert.Null(await Sessions.FindAsync(SessionToken.New(new ShardId(4711)).Token, SessionKind.App, default)); // no session
        Assert.Null(await Sessions.FindAsync(SessionToken.New(new ShardId(long.MaxValue)).Token, SessionKind.App, default)); // no bucket
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")] // session 0
    [InlineData("////////////////////////////////////////////")]
    [InlineData("gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")] // a negative one
    [InlineData("\0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void What_is_no_token_is_none(string? text) => Assert.Null(SessionToken.Parse(text));

    [Fact]
    public void A_token_is_read_as_it_was_made_and_each_is_another()
    {
        var (made, text) = SessionToken.New(new ShardId(123));
        var read = SessionToken.Parse(text)!;
        Assert.Equal((SessionToken.Length, new ShardId(123)), (text.Length, read.Session));
        Assert.True(read.Is(made.Hash));
        Assert.False(SessionToken.New(new ShardId(123)).Token.Is(made.Hash));
    }

    [Fact]
    public async Task An_account_that_is_no_longer_active_gets_no_session()
    {
        using var customer = await shop.LogIn(Access.Customer);
        await using (var command = shop.Database.CreateCommand($"UPDATE accounts SET is_active = false WHERE bucket_id = {customer.Identity.User.Bucket} AND id = {customer.Identity.User}"))
        {
            Assert.Equal(1, await command.ExecuteNonQueryAsync());
        }

        Assert.Null(await Sessions.CreateAsync(customer.Identity.User, SessionKind.Browser, Device, null, default));
    }

    [Fact]
    public async Task Ending_all_sessions_can_keep_one()
    {
        using var first = await shop.LogIn(Access.Customer);
        var others = new[] { await Sessions.CreateAsync(first.Identity.User, SessionKind.App, Device, null, default), await Sessions.CreateAsync(first.Identity.User, SessionKind.Browser, Device, null, default) };
        Assert.Equal(2, await Sessions.EndAllAsync(first.Identity.User, first.Identity.Session, null, default));
        Assert.NotNull(await Sessions.FindAsync(SessionToken.Parse(first.Token)!, SessionKind.App, default));
        Assert.Null(await Sessions.FindAsync(SessionToken.Parse(others[1]!.Token)!, SessionKind.Browser, default));
        Assert.Equal(1, await Sessions.EndAllAsync(first.Identity.User, null, null, default));
    }
}
