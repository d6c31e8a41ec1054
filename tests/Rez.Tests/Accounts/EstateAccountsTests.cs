using Commons.Accounts;
using Rez.Tests.Shards;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Accounts;

/// <summary>Accounts over several databases.</summary>
[Collection(nameof(Estate))]
public sealed class EstateAccountsTests(Estate estate)
{
    private AccountTable Accounts => estate.Service<AccountTable>();

    [Fact]
    public async Task Accounts_spread_over_the_databases_and_everything_of_one_is_in_its_bucket()
    {
        var databases = new HashSet<int>();
        for (var i = 0; i < 16; i++)
        {
            using var login = await estate.LogIn(Access.Customer);
            databases.Add(estate.Store.Shard(login.Identity.User).Database);
            Assert.Equal(login.Identity.User.Bucket, login.Identity.Session.Bucket);
            Assert.Equal(login.Identity, await estate.Service<Sessions>().FindAsync(SessionToken.Parse(login.Token)!, SessionKind.App, default));
        }

        Assert.InRange(databases.Count, 2, 3);
    }

    [Fact]
    public async Task Of_many_who_want_the_same_e_mail_or_phone_at_the_same_time_one_gets_it()
    {
        for (var round = 0; round < 3; round++)
        {
            var (email, phone) = (Api.NewEmail(), $"+49{Random.Shared.NextInt64(1_000_000_000, 9_999_999_999)}");
            var added = await Task.WhenAll(Enumerable.Range(0, 12).Select(n => (n % 3) switch
            {
                0 => AddAsync(email, phone),
                1 => AddAsync(email, null),
                _ => AddAsync(Api.NewEmail(), phone), // another bucket, most likely in another database
            }));
            var won = added.Where(account => account.Id is not null).Select(account => account.Id!.Value).ToList();
            Assert.InRange(won.Count, 0, 2); // one has both, or one each; all can lose when each waits for what another one is about to give up
            Assert.InRange((await estate.CountAsync($"SELECT count(*) FROM accounts WHERE email = '{email}'")).Sum(), 0, 1);
            Assert.InRange((await estate.CountAsync($"SELECT count(*) FROM accounts WHERE phone = '{phone}'")).Sum(), 0, 1);

            // Whatever the losers had reserved is free or taken for good.
            var last = await AddAsync(email, null);
            Assert.Equal(1, (await estate.CountAsync($"SELECT count(*) FROM accounts WHERE email = '{email}'")).Sum());
            Assert.Equal(last.Id is null ? "email" : null, last.Taken);
            await AddAsync(Api.NewEmail(), phone);
            Assert.Equal(1, (await estate.CountAsync($"SELECT count(*) FROM accounts WHERE phone = '{phone}'")).Sum());
            Assert.Equal((await Accounts.WithEmailAsync(email, null, default))?.Email, email);
            Assert.Equal((await Accounts.WithPhoneAsync(phone, null, default))?.Phone, phone);
        }

        Task<AccountAdded> AddAsync(string email, string? phone) => Accounts.AddAsync(new NewAccount(email, phone, "Ann", Access.Customer, null, "none"), null, default);
    }

    [Fact]
    public async Task Two_who_change_to_the_same_e_mail_get_it_once_and_the_loser_keeps_the_own_one()
    {
        using var ann = await estate.LogIn(Access.Customer);
        using var eve = await estate.LogIn(Access.Customer);
        var email = Api.NewEmail();
        var changed = await Task.WhenAll(new[] { ann, eve }.Select(login => Accounts.ChangeAsync(login.Identity.User, new AccountChange(null, email, null), null, default)));
        Assert.Single(changed, change => change.Account is not null);
        Assert.Equal("email", Assert.Single(changed, change => change.Account is null).Taken);
        Assert.Equal(1, (await estate.CountAsync($"SELECT count(*) FROM accounts WHERE email = '{email}'")).Sum());
        var loser = changed[0].Account is null ? ann : eve;
        var own = (await Accounts.FindAsync(loser.Identity.User, null, default))!.Email!;
        Assert.Equal(loser.Identity.User, (await Accounts.WithEmailAsync(own, null, default))!.Id);
    }

    [Fact]
    public async Task Lists_of_accounts_are_one_over_all_databases()
    {
        var made = new List<string>();
        for (var i = 0; i < 6; i++)
        {
            using var login = await estate.LogIn(Access.Customer);
            made.Insert(0, login.Identity.User.ToString());
        }

        var page = await estate.Service<AccountAdmin>().ListAsync(long.MaxValue, 6, null, default);
        Assert.Equal(made, page.Rows.Select(user => user.Id));
        Assert.True(page.More);
        var next = await estate.Service<AccountAdmin>().ListAsync(long.Parse(made[^1]), 6, null, default);
        Assert.DoesNotContain(next.Rows, user => made.Contains(user.Id));
    }
}
