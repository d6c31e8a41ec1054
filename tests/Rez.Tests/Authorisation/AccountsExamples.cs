using Commons.Accounts;
using Rez.Tests.Accounts;

namespace Rez.Tests.Authorisation;

internal static class AccountsExamples
{
    private static readonly Device Device = new("192.0.2.1", "test");

    public static IEnumerable<Example> All =>
    [
        new("POST /api/auth/register", _ => Examples.Request("POST", "/api/auth/register", new { name = "Ann", email = Api.NewEmail(), password = Api.Password })),
        new("POST /api/auth/login", async (world, _) => Examples.Request("POST", "/api/auth/login", new { email = await WithPasswordAsync(world, Access.Customer), password = Api.Password })),
        new("POST /api/auth/refresh", async (world, _) => Examples.Request("POST", "/api/auth/refresh", new { refreshToken = (await SessionAsync(world, world.Customer)).RefreshToken })),
        new("POST /api/auth/logout", _ => Examples.Request("POST", "/api/auth/logout")) { As = AgainAsync },
        new("DELETE /api/auth/sessions", _ => Examples.Request("DELETE", "/api/auth/sessions")) { As = AgainAsync },
        new("DELETE /api/auth/sessions/{id}", async (world, _) => Examples.Request("DELETE", $"/api/auth/sessions/{(await SessionAsync(world, world.Customer)).Identity.Session}")),
        new("PATCH /api/users/me", _ => Examples.Request("PATCH", "/api/users/me", new { name = "Renamed" })),
        new("POST /api/users/me/password", _ => Examples.Request("POST", "/api/users/me/password", new { currentPassword = Api.Password, newPassword = "a quite new one" })) { As = WithPasswordAsync },
        new("GET /api/admin/users/{id}", world => Examples.Request("GET", $"/api/admin/users/{world.Customer.Identity.User}")),
        new("PATCH /api/admin/users/{id}", world => Examples.Request("PATCH", $"/api/admin/users/{world.Customer.Identity.User}", new { isActive = true })),
    ];

    private static async Task<NewSession> SessionAsync(World world, Login login) =>
        (await world.Shop.Service<Sessions>().CreateAsync(login.Identity.User, SessionKind.App, Device, null, default))!;

    private static Access AccessOf(Role role) => role switch
    {
        Role.Merchant or Role.OtherMerchant => Access.Merchant,
        Role.Admin => Access.Admin,
        _ => Access.Customer,
    };

    /// <summary>Another session of the same role, which may end.</summary>
    private static async Task<HttpClient> AgainAsync(World world, Role role) => role == Role.Nobody ? world.As(role) : (await AnotherLoginAsync(world, role)).Http;

    private static Task<Login> AnotherLoginAsync(World world, Role role) => world.Shop.LogIn(AccessOf(role), AccessOf(role) == Access.Merchant ? world.Merchant : null);

    // An account whose password is known, with a hash that takes no time.
    private static async Task<HttpClient> WithPasswordAsync(World world, Role role)
    {
        if (role == Role.Nobody)
        {
            return world.As(role);
        }

        var email = await WithPasswordAsync(world, AccessOf(role));
        var account = await world.Shop.Service<AccountTable>().WithEmailAsync(email, null, default);
        var session = await world.Shop.Service<Sessions>().CreateAsync(account!.Id, SessionKind.App, Device, null, default);
        return new HttpClient { BaseAddress = world.Shop.Http.BaseAddress, Timeout = Shop.Wait, DefaultRequestHeaders = { Authorization = new("Bearer", session!.Token) } };
    }

    private static async Task<string> WithPasswordAsync(World world, Access role)
    {
        using var quick = new Passwords(new AccountsOptions { System = "x", PasswordIterations = 1_000 }, TimeProvider.System);
        using var slot = (await quick.EnterAsync(default))!;
        var email = Api.NewEmail();
        await world.Shop.Service<AccountTable>().AddAsync(new NewAccount(email, null, "Ann", role, role == Access.Merchant ? world.Merchant : null, await slot.HashAsync(Api.Password)), null, default);
        return email;
    }
}
