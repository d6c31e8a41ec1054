using Microsoft.AspNetCore.Http;
using Tenfold.AspNetCore;
using Tenfold.Postgres;

namespace Commons.Accounts;

/// <summary>Checks a password on behalf of a request: throttled, a few at a time, and as long for accounts that there are not.</summary>
internal sealed class PasswordGate(AccountTable accounts, Passwords passwords, LoginThrottle throttle, Sessions sessions)
{
    /// <summary>The account, when the password is its own; null when the refusal has been written.</summary>
    /// <param name="context">The request.</param>
    /// <param name="name">What failures are counted by: what the client calls the account.</param>
    /// <param name="find">Finds the account.</param>
    /// <param name="password">What the client says.</param>
    public async Task<Account?> OpenAsync(HttpContext context, string name, Func<Caller, Task<Account?>> find, string password)
    {
        var address = context.ClientAddress();
        var everything = new Caller { SeesEverything = true }; // a password that was changed a moment ago counts
        if (await throttle.LookAsync(name, address, IsKnownAsync) is { } early)
        {
            await Refusals.TooManyAsync(context, early);
            return null;
        }

        using var slot = await passwords.EnterAsync(context.RequestAborted);
        if (slot is null)
        {
            await Refusals.BusyAsync(context);
            return null;
        }

        // Again: of many at the same time, those that waited know how the others went.
        if (await throttle.LookAsync(name, address, IsKnownAsync) is { } late)
        {
            await Refusals.TooManyAsync(context, late);
            return null;
        }

        var account = await find(everything);
        var check = await slot.VerifyAsync(account?.PasswordHash, password);
        if (account is null || check == PasswordCheck.Wrong)
        {
            await throttle.FailedAsync(name, address);
            await Refusals.WrongAsync(context);
            return null;
        }

        if (check == PasswordCheck.RightButWeak)
        {
            var hash = await slot.HashAsync(password);
            await accounts.RehashAsync(account, hash, context.Caller(), context.RequestAborted);
            account = account with { PasswordHash = hash };
        }

        return account;

        async Task<bool> IsKnownAsync() => await find(everything) is { } owner && await sessions.WasUsedFromAsync(owner.Id, address.ToString(), everything, context.RequestAborted);
    }
}
