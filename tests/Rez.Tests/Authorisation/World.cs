using Commons.Accounts;

namespace Rez.Tests.Authorisation;

/// <summary>Who calls.</summary>
internal enum Role
{
    Nobody,
    Customer,
    OtherCustomer,
    Merchant,
    OtherMerchant,
    Admin,
}

/// <summary>The six who call, and what they call about: <see cref="Product"/> is the merchant's, and whatever an example makes is the customer's or the merchant's.</summary>
internal sealed class World(Shop shop) : IDisposable
{
    private readonly Dictionary<Role, Login> _logins = [];

    public Shop Shop => shop;

    /// <summary>A product of <see cref="Role.Merchant"/>.</summary>
    public long Product { get; private set; }

    /// <summary>The merchant that <see cref="Role.Merchant"/> acts for.</summary>
    public long Merchant { get; private set; }

    public Login Customer => _logins[Role.Customer];

    public Login Staff => _logins[Role.Merchant];

    public Login Admin => _logins[Role.Admin];

    public static async Task<World> CreateAsync(Shop shop)
    {
        var world = new World(shop)
        {
            Product = await shop.ScalarAsync<long>("SELECT min(id) FROM products WHERE is_active AND id > 200"),
        };
        world.Merchant = await shop.ScalarAsync<int>($"SELECT merchant_id FROM products WHERE id = {world.Product}");
        world._logins[Role.Customer] = await shop.LogIn(Access.Customer);
        world._logins[Role.OtherCustomer] = await shop.LogIn(Access.Customer);
        world._logins[Role.Merchant] = await shop.LogIn(Access.Merchant, world.Merchant);
        world._logins[Role.OtherMerchant] = await shop.LogIn(Access.Merchant, world.Merchant % 500 + 1);
        world._logins[Role.Admin] = await shop.LogIn(Access.Admin);
        return world;
    }

    /// <summary>The client of a role.</summary>
    public HttpClient As(Role role) => role == Role.Nobody ? shop.Http : _logins[role].Http;

    public void Dispose()
    {
        foreach (var login in _logins.Values)
        {
            login.Dispose();
        }
    }
}

/// <summary>
/// A request that is right but for who makes it. Called once for each role: what can be done once is made anew, as the customer's or the merchant's.
/// </summary>
/// <param name="Operation"><c>POST /api/orders/{id}/cancel</c>.</param>
/// <param name="Request">Makes it: path with real ids, body, headers.</param>
internal sealed record Example(string Operation, Func<World, Role, Task<HttpRequestMessage>> Request)
{
    public Example(string operation, Func<World, HttpRequestMessage> request)
        : this(operation, (world, _) => Task.FromResult(request(world)))
    {
    }

    /// <summary>In the place of the caller's own login: for requests that end it.</summary>
    public Func<World, Role, Task<HttpClient>>? As { get; init; }
}
