using Commons.Accounts;
using static Rez.Tests.Accounts.Api;

namespace Rez.Tests.Accounts;

public sealed class LoginTests(Shop shop)
{
    [Fact]
    public async Task Who_registers_is_logged_in_and_logs_in_again_by_e_mail_and_by_phone()
    {
        var (email, phone) = (NewEmail(), $"+49{Random.Shared.NextInt64(1_000_000_000, 9_999_999_999)}");
        var registered = await shop.Http.CallAsync("POST", "/api/auth/register", new { name = " Ann Lee ", email = email.ToUpperInvariant(), phone = phone.Insert(3, " (").Insert(8, ") -"), password = Password });
        Assert.Equal(201, registered.Status);
        Assert.Equal("no-store", registered.Response.Headers.CacheControl!.ToString());
        var user = registered.Data["user"]!;
        Assert.Equal(("Ann Lee", email, phone, "customer"), ((string)user["name"]!, (string)user["email"]!, (string)user["phone"]!, (string)user["role"]!));
        Assert.Equal(900, (int)registered.Data["expiresIn"]!);
        Assert.DoesNotContain("password", registered.Body!.ToJsonString(), StringComparison.OrdinalIgnoreCase);

        var me = await shop.Http.CallAsync("GET", "/api/users/me", null, Bearer((string)registered.Data["accessToken"]!));
        Assert.Equal((200, user.ToJsonString()), (me.Status, me.Data.ToJsonString()));

        var byEmail = await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = Password });
        var byPhone = await shop.Http.CallAsync("POST", "/api/auth/login", new { phone, password = Password, client = "app" });
        Assert.Equal((200, 200), (byEmail.Status, byPhone.Status));
        Assert.Equal((string)user["id"]!, (string)byPhone.Data["user"]!["id"]!);
        Assert.NotEqual((string)byEmail.Data["accessToken"]!, (string)byPhone.Data["accessToken"]!);

        Assert.Equal((409, "email"), await TakenAsync(new { name = "B", email, password = Password }));
        Assert.Equal((409, "phone"), await TakenAsync(new { name = "B", email = NewEmail(), phone, password = Password }));
    }

    [Fact]
    public async Task Passwords_are_kept_by_PBKDF2_with_HMAC_SHA512_and_OWASP_s_iterations()
    {
        var options = new AccountsOptions { System = "x" };
        using var passwords = new Passwords(options, TimeProvider.System);
        using var slot = (await passwords.EnterAsync(default))!;
        var hash = Convert.FromBase64String(await slot.HashAsync(Password));
        Assert.Equal([1, 0, 0, 0, 2, 0, 3, 0x34, 0x50, 0, 0, 0, 16], hash[..13]); // format 3, HMAC-SHA512, 210,000, 128 bits of salt
        Assert.Equal(210_000, options.PasswordIterations);
    }

    [Fact]
    public async Task A_wrong_password_and_an_account_that_there_is_not_are_answered_alike()
    {
        var email = await RegisteredAsync();
        var wrong = await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = "not this one" }, From(NewAddress()));
        var nobody = await shop.Http.CallAsync("POST", "/api/auth/login", new { email = NewEmail(), password = "not this one" }, From(NewAddress()));
        var seeded = await shop.Http.CallAsync("POST", "/api/auth/login", new { phone = "+4930123456789", password = "not this one" }, From(NewAddress()));
        Assert.Equal(401, wrong.Status);
        Assert.Equal(wrong.Body!.ToJsonString(), nobody.Body!.ToJsonString());
        Assert.Equal(wrong.Body!.ToJsonString(), seeded.Body!.ToJsonString());
    }

    [Fact]
    public async Task Both_take_as_long()
    {
        // The work, not the clock, of a busy machine: what a wrong login costs is one hash, whoever it is for.
        using var passwords = new Passwords(new AccountsOptions { System = "x", PasswordIterations = 100_000 }, TimeProvider.System);
        using var slot = (await passwords.EnterAsync(default))!;
        var hash = await slot.HashAsync(Password);
        var (known, unknown) = (TimeSpan.MaxValue, TimeSpan.MaxValue);
        for (var i = 0; i < 3; i++)
        {
            known = await QuickestAsync(known, slot.VerifyAsync(hash, "not this one"));
            unknown = await QuickestAsync(unknown, slot.VerifyAsync(null, "not this one"));
        }

        Assert.InRange(unknown / known, 0.4, 2.5);

        static async Task<TimeSpan> QuickestAsync(TimeSpan least, Task<PasswordCheck> check)
        {
            var clock = System.Diagnostics.Stopwatch.StartNew();
            Assert.Equal(PasswordCheck.Wrong, await check);
            return clock.Elapsed < least ? clock.Elapsed : least;
        }
    }

    [Theory]
    [InlineData("""{"email":"a@b.c"}""", "password")]
    [InlineData("""{"password":"x"}""", "email")]
    [InlineData("""{"email":"a@b.c","phone":"+4915112345678","password":"x"}""", "email")]
    [InlineData("""{"email":"nothing","password":"x"}""", "email")]
    [InlineData("""{"phone":"0151 12345678","password":"x"}""", "phone")]
    [InlineData("""{"email":"a@b.c","password":"x","client":"toaster"}""", "client")]
    [InlineData("""{"email":"a@b.c","password":"x","remember":true}""", "remember")]
    [InlineData("""{"email":"a@b.c","password":"x","password":"y"}""", "password")]
    [InlineData("""{"email":"a@b.c","password":12345678}""", "password")]
    [InlineData("""{"email":"a@b.c","password":null}""", "password")]
    [InlineData("[]", "body")]
    [InlineData("", "body")]
    public async Task A_wrong_body_is_a_400_that_names_the_field(string body, string field)
    {
        var answer = await shop.Http.CallAsync("POST", "/api/auth/login", body);
        Assert.Equal(400, answer.Status);
        Assert.NotNull(answer.Body!["errors"]![field]);
    }

    [Theory]
    [InlineData("short", "must have 8 to 128 characters")]
    [InlineData("aaaaaaaaaaaa", "must not be one character again and again")]
    [InlineData("\0\0\0\0\0\0\0\u0001", "must not hold NUL")]
    [InlineData(null, "is missing")]
    [InlineData("correct horse", null)]
    public void Passwords_have_rules(string? password, string? fault) => Assert.Equal(fault, Passwords.Fault(password));

    [Theory]
    [InlineData(" Ann@Example.COM ", "ann@example.com")]
    [InlineData("a@b", null)]
    [InlineData("a@b@c.de", null)]
    [InlineData("@b.de", null)]
    [InlineData("a b@c.de", null)]
    [InlineData("a@.de", null)]
    [InlineData("a@b..de", null)]
    [InlineData("a@b.de.", null)]
    public void E_mail_addresses_have_one_form(string text, string? normal) => Assert.Equal(normal, Logins.Email(text));

    [Theory]
    [InlineData("+49 (151) 123-45.67/8", "+4915112345678")]
    [InlineData("0151 12345678", null)]
    [InlineData("+0151123456", null)]
    [InlineData("+49151", null)]
    [InlineData("+491511234567890123", null)]
    [InlineData("+49151x234567", null)]
    [InlineData("", null)]
    public void Phone_numbers_have_one_form(string text, string? normal) => Assert.Equal(normal, Logins.Phone(text));

    [Fact]
    public async Task A_hash_of_fewer_iterations_is_replaced_at_the_next_login()
    {
        var email = NewEmail();
        using var weak = new Passwords(new AccountsOptions { System = "x", PasswordIterations = 1_000 }, TimeProvider.System);
        using (var slot = (await weak.EnterAsync(default))!)
        {
            await shop.Service<AccountTable>().AddAsync(new NewAccount(email, null, "Old", Access.Customer, null, await slot.HashAsync(Password)), null, default);
        }

        Assert.Equal(200, (await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = Password })).Status);
        var hash = await shop.ScalarAsync<string>($"SELECT password_hash FROM accounts WHERE email = '{email}'");
        Assert.StartsWith("AQAAAAIAACcQ", hash, StringComparison.Ordinal); // 10,000, which these tests have
        Assert.Equal(200, (await shop.Http.CallAsync("POST", "/api/auth/login", new { email, password = Password })).Status);
        Assert.Equal(hash, await shop.ScalarAsync<string>($"SELECT password_hash FROM accounts WHERE email = '{email}'"));
    }

    [Fact]
    public async Task Only_so_many_hash_at_a_time_and_wait_and_the_others_are_told_to_come_back()
    {
        using var passwords = new Passwords(new AccountsOptions { System = "x", HashesAtOnce = 1, HashesWaiting = 1, HashPatience = TimeSpan.FromMilliseconds(200) }, TimeProvider.System);
        var first = await passwords.EnterAsync(default);
        Assert.NotNull(first);
        var second = passwords.EnterAsync(default);
        var third = passwords.EnterAsync(default);
        Assert.False(second.IsCompleted);
        first.Dispose();
        using (var turn = await second)
        {
            Assert.NotNull(turn);
            Assert.Null(await third); // it waited while the second one had its turn
        }

        using var again = await passwords.EnterAsync(default);
        Assert.NotNull(again);
    }

    [Fact]
    public async Task More_than_may_wait_are_refused_at_once()
    {
        using var passwords = new Passwords(new AccountsOptions { System = "x", HashesAtOnce = 1, HashesWaiting = 1, HashPatience = TimeSpan.FromMinutes(5) }, TimeProvider.System);
        using var first = await passwords.EnterAsync(default);
        var waiting = Enumerable.Range(0, 10).Select(_ => passwords.EnterAsync(default)).ToList();
        Assert.All(await Task.WhenAll(waiting.Skip(2)), Assert.Null);
        first!.Dispose();
        foreach (var turn in waiting.Take(2))
        {
            (await turn)?.Dispose();
        }
    }

    private async Task<string> RegisteredAsync()
    {
        var email = NewEmail();
        Assert.Equal(201, (await shop.Http.CallAsync("POST", "/api/auth/register", new { name = "Ann", email, password = Password })).Status);
        return email;
    }

    private async Task<(int, string?)> TakenAsync(object body)
    {
        var answer = await shop.Http.CallAsync("POST", "/api/auth/register", body);
        return (answer.Status, answer.Body!["errors"]?.AsObject().Single().Key);
    }
}
