using System.Globalization;
using System.Text.Json;
using Commons.Http;
using Commons.OpenApi;
using Microsoft.AspNetCore.Http;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Caching;
using Tenfold.Caching.Loading;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>The account of whoever asks: <c>GET</c> (cached as the bytes that are sent) and <c>PATCH /api/users/me</c>, <c>POST /api/users/me/password</c>.</summary>
internal sealed class Profile(AccountTable accounts, PasswordGate gate, Passwords passwords, Sessions sessions, TenfoldCache cache)
{
    /// <summary>The cache policy that profiles are kept by.</summary>
    public const string CachePolicy = "users";

    private readonly PolicyCache _cache = cache.For(CachePolicy);

    public async Task GetAsync(HttpContext context)
    {
        if (!await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        var user = context.Identity().User;
        if (context.Caller().Tokens.Count > 0)
        {
            await _cache.ConfirmAsync(user.ToString(), context.RequestAborted); // who has just changed something sees it, on every instance
        }

        var entry = await _cache.GetEntryAsync(user.ToString(), user, LoadAsync, cancellationToken: context.RequestAborted);
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = entry.Payload.Length;
        await context.Response.BodyWriter.WriteAsync(entry.Payload, context.RequestAborted);
    }

    public async Task PatchAsync(HttpContext context)
    {
        if (!await new QueryParameters(context).AnswerErrorsAsync(context) || await JsonBody.ReadAsync(context, AccountsJson.Default.ProfileChange, "profile", body => body.Errors()) is not { } body)
        {
            return;
        }

        var user = context.Identity().User;
        if (body.NeedsPassword && await CheckAsync(context, user, body.Password!) is null)
        {
            return;
        }

        var change = new AccountChange(body.Name?.Trim(), body.Email is null ? null : Logins.Email(body.Email), body.Phone is null ? null : Logins.Phone(body.Phone));
        AccountChanged changed;
        try
        {
            changed = await accounts.ChangeAsync(user, change, context.Caller(), context.RequestAborted);
        }
        finally
        {
            await InvalidateAsync(user); // also when it is not known whether it was committed
        }

        await (changed.Account is { } account ? JsonReply.SendItemAsync(context, User.Of(account), AccountsJson.Default.ItemUser)
            : changed.Taken is { } taken ? Refusals.TakenAsync(context, taken)
            : Problem.WriteAsync(context, StatusCodes.Status404NotFound, "There is no such account any more."));
    }

    public async Task ChangePasswordAsync(HttpContext context)
    {
        if (!await new QueryParameters(context).AnswerErrorsAsync(context) || await JsonBody.ReadAsync(context, AccountsJson.Default.PasswordChange, "change", body => body.Errors()) is not { } body)
        {
            return;
        }

        var (user, session) = (context.Identity().User, context.Identity().Session);
        if (await CheckAsync(context, user, body.CurrentPassword!) is not { } account)
        {
            return;
        }

        string hash;
        using (var slot = await passwords.EnterAsync(context.RequestAborted))
        {
            if (slot is null)
            {
                await Refusals.BusyAsync(context);
                return;
            }

            hash = await slot.HashAsync(body.NewPassword!);
        }

        var ended = new List<long>();
        try
        {
            if (!await accounts.SetPasswordAsync(account, hash, session, ended, context.Caller(), context.RequestAborted))
            {
                await Problem.WriteAsync(context, StatusCodes.Status409Conflict, "The password was changed by another request at the same time.");
                return;
            }
        }
        finally
        {
            await sessions.InvalidateAsync(ended); // also when it is not known whether it was committed
            await InvalidateAsync(user);
        }

        await JsonReply.SendItemAsync(context, new EndedSessions(ended.Count), AccountsJson.Default.ItemEndedSessions);
    }

    /// <summary>After a change of the account.</summary>
    public ValueTask<bool> InvalidateAsync(ShardId user) => _cache.InvalidateAsync(user.ToString());

    private Task<Account?> CheckAsync(HttpContext context, ShardId user, string password) =>
        gate.OpenAsync(context, user.Value.ToString(CultureInfo.InvariantCulture), caller => accounts.FindAsync(user, caller, context.RequestAborted), password);

    private async ValueTask<Loaded> LoadAsync(ShardId user, CancellationToken cancel)
    {
        var account = await accounts.FindAsync(user, new Caller { SeesEverything = true }, cancel) ?? throw new InvalidOperationException($"account {user} has a session and is not there");
        return new Loaded(JsonSerializer.SerializeToUtf8Bytes(new Item<User>(true, User.Of(account)), AccountsJson.Default.ItemUser));
    }
}
