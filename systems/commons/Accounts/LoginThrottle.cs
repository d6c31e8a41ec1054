using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Tenfold.RateLimiting;
using Tenfold.Redis;
using Client = Tenfold.RateLimiting.Caller;

namespace Commons.Accounts;

/// <summary>
/// Slows down who guesses passwords: failed logins are counted by account and address together, by address, and by account, for all instances
/// (on Redis; while it is away each instance counts alone). Names that nobody has count like others. The limit by account alone does not
/// hold at addresses from which the account was logged in before: a stranger cannot lock its owner out. Thread-safe.
/// </summary>
public sealed class LoginThrottle : IAsyncDisposable
{
    /// <summary>Failed logins of one account from one address.</summary>
    public static Quota PerBoth { get; } = new("login-account-address", 5, TimeSpan.FromMinutes(15));

    /// <summary>Failed logins from one address: a household or an office of forgetful people.</summary>
    public static Quota PerAddress { get; } = new("login-address", 50, TimeSpan.FromMinutes(15));

    /// <summary>Failed logins of one account, from wherever.</summary>
    public static Quota PerAccount { get; } = new("login-account", 30, TimeSpan.FromHours(1));

    private readonly DistributedRateLimiter _limiter;

    public LoginThrottle(AccountsOptions options, IConfiguration configuration, TimeProvider time, ILoggerFactory loggers)
    {
        ArgumentNullException.ThrowIfNull(options);
        var redis = configuration.GetConnectionString(options.Redis);
        _limiter = new DistributedRateLimiter(
            [PerBoth, PerAddress, PerAccount],
            new RateLimiterOptions { Redis = redis is { Length: > 0 } ? RedisOptions.Parse(redis) : null, KeyPrefix = $"{{rl}}:{options.System}:logins", RememberedCallers = 20_000 },
            time,
            loggers);
    }

    /// <summary>Whether a login may be tried now.</summary>
    /// <param name="name">What the account is called: e-mail, phone or id.</param>
    /// <param name="address">Where it is tried.</param>
    /// <param name="isKnown">Whether the account was logged in from there before; asked only when the limit by account is over.</param>
    /// <returns>Null when it may, else how long not.</returns>
    public async ValueTask<TimeSpan?> LookAsync(string name, IPAddress address, Func<Task<bool>> isKnown)
    {
        ArgumentNullException.ThrowIfNull(isKnown);
        var decision = await _limiter.DecideAsync(Checks(name, address), cost: 0);
        var (both, from, account) = (decision.Quotas[0].RetryAfter, decision.Quotas[1].RetryAfter, decision.Quotas[2].RetryAfter);
        var wait = both > from ? both : from;
        if (account > wait && !await isKnown())
        {
            wait = account;
        }

        return wait > TimeSpan.Zero ? wait : null;
    }

    /// <summary>A login has failed.</summary>
    public async ValueTask FailedAsync(string name, IPAddress address)
    {
        // One by one: where one is over, the others count on.
        foreach (var check in Checks(name, address))
        {
            await _limiter.DecideAsync(new[] { check });
        }
    }

    public ValueTask DisposeAsync() => _limiter.DisposeAsync();

    private static QuotaCheck[] Checks(string name, IPAddress address)
    {
        var from = Client.Of(address);
        return [new(PerBoth, Client.Of($"{from} {name}")), new(PerAddress, from), new(PerAccount, Client.Of(name))];
    }
}
