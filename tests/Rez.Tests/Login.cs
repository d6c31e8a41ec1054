using System.Net.Http.Headers;
using Commons.Accounts;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Rez.Tests;

/// <summary>Somebody who is logged in: a client that sends their token, and who they are.</summary>
public sealed record Login(HttpClient Http, Identity Identity, string Token) : IDisposable
{
    /// <summary>A new account without a password (so without the time that hashing takes), logged in as an app.</summary>
    /// <param name="app">Where.</param>
    /// <param name="role">One role.</param>
    /// <param name="actsFor">Of a merchant's account: the merchant.</param>
    public static async Task<Login> CreateAsync(WebApplication app, Access role, long? actsFor = null)
    {
        var account = new NewAccount($"{Guid.NewGuid():N}@test.example", null, "Somebody", role, actsFor, "none");
        var added = await app.Services.GetRequiredService<AccountTable>().AddAsync(account, null, CancellationToken.None);
        return await OfAsync(app, added.Id!.Value);
    }

    /// <summary>A further session of an account.</summary>
    public static async Task<Login> OfAsync(WebApplication app, Tenfold.Postgres.Shards.ShardId account)
    {
        var session = await app.Services.GetRequiredService<Sessions>().CreateAsync(account, SessionKind.App, new Device("127.0.0.1", "test"), null, CancellationToken.None);
        return new Login(ClientOf(app, session!.Token), session.Identity, session.Token);
    }

    /// <summary>A client of an instance that sends a token.</summary>
    public static HttpClient ClientOf(WebApplication app, string token) =>
        new() { BaseAddress = new Uri(app.Urls.First()), Timeout = Shop.Wait, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };

    public void Dispose() => Http.Dispose();
}
