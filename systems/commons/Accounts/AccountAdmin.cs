using System.Text.Json.Nodes;
using Commons.Audit;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>What an administrator changes of an account; null stays.</summary>
/// <param name="IsActive">Not active: cannot log in, and its sessions end at once.</param>
/// <param name="Role">One role.</param>
/// <param name="ActsFor">Of a merchant's account, given with the role.</param>
public sealed record AccountStanding(bool? IsActive, Access? Role, long? ActsFor);

/// <summary>Accounts as administrators see and change them. Thread-safe.</summary>
public sealed class AccountAdmin
{
    private readonly ShardedStore _store;
    private readonly AccountTable _accounts;
    private readonly Sessions _sessions;
    private readonly Profile _profiles;
    private readonly Passwords _passwords;
    private readonly AuditLog _audit;

    internal AccountAdmin(ShardedStore store, AccountTable accounts, Sessions sessions, Profile profiles, Passwords passwords, AuditLog audit) =>
        (_store, _accounts, _sessions, _profiles, _passwords, _audit) = (store, accounts, sessions, profiles, passwords, audit);

    /// <summary>One account; null when there is none.</summary>
    public async Task<User?> FindAsync(ShardId id, Caller? caller, CancellationToken cancel) =>
        _sessions.MayExist(id) && await _accounts.FindAsync(id, caller, cancel) is { } account ? User.Of(account) : null;

    /// <summary>Whose e-mail address or phone number it is, both in their normal form.</summary>
    public async Task<User?> FindAsync(string? email, string? phone, Caller? caller, CancellationToken cancel)
    {
        var account = email is not null ? await _accounts.WithEmailAsync(email, caller, cancel) : await _accounts.WithPhoneAsync(phone!, caller, cancel);
        return account is not null && (phone is null || account.Phone == phone) ? User.Of(account) : null;
    }

    /// <summary>Accounts, the newest first, below an id.</summary>
    public Task<ScatterPage<User>> ListAsync(long before, int limit, Caller? caller, CancellationToken cancel) => _store.ScatterAsync(
        new ScatterQuery<User>
        {
            Sql = $"SELECT {Account.Columns} FROM accounts WHERE id < $3 AND bucket_id = ANY ($1) ORDER BY id DESC LIMIT $2",
            Values = [before],
            Read = row => User.Of(Account.Read(row)),
            Order = Comparer<User>.Create((a, b) => long.Parse(b.Id).CompareTo(long.Parse(a.Id))),
            Limit = limit,
        },
        caller,
        cancel);

    /// <summary>Changes role and standing; what the account's sessions may do changes with it, on every instance within the cache's bound.</summary>
    /// <returns>The account as it is now; null when there is none.</returns>
    public async Task<User?> ChangeAsync(ShardId id, AccountStanding standing, Actor actor, Caller? caller, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(standing);
        if (!_sessions.MayExist(id))
        {
            return null;
        }

        var touched = new List<long>();
        try
        {
            return await _store.WriteAsync(
                id,
                async (write, token) =>
                {
                    touched.Clear();
                    if (await AccountTable.LockAsync(write, id, token) is not { } before)
                    {
                        return null;
                    }

                    var after = await AccountTable.SetStandingAsync(write, id, standing, token);
                    touched.AddRange(after.IsActive ? await Sessions.OpenAsync(write, id, token) : await Sessions.EndAllAsync(write, id, null, token));
                    await _audit.WriteAsync(write, actor, "account.change", $"account:{id}", Standing(before), Standing(after), token);
                    return User.Of(after);
                },
                caller,
                cancel);
        }
        finally
        {
            // Also when it is not known whether it was committed.
            await _sessions.InvalidateAsync(touched);
            await _profiles.InvalidateAsync(id);
        }
    }

    /// <summary>Makes an administrator, from a command on the server.</summary>
    /// <returns>The account, or what another account has (<c>email</c> or <c>phone</c>).</returns>
    public async Task<(ShardId? Id, string? Taken)> AddAdministratorAsync(string email, string name, string password, CancellationToken cancel)
    {
        using var slot = await _passwords.EnterAsync(cancel) ?? throw new InvalidOperationException("nobody else hashes in a command");
        var added = await _accounts.AddAsync(new NewAccount(email, null, name, Access.Admin, null, await slot.HashAsync(password)), null, cancel);
        if (added.Id is { } id)
        {
            await _store.WriteAsync(
                id,
                async (write, token) =>
                {
                    await _audit.WriteAsync(write, new Actor(id, Access.Admin, null, "command"), "account.create", $"account:{id}", null, new JsonObject { ["role"] = "admin" }, token);
                    return true;
                },
                null,
                cancel);
        }

        return (added.Id, added.Taken);
    }

    private static JsonObject Standing(Account account) => new() { ["isActive"] = account.IsActive, ["role"] = account.Role.Name(), ["actsFor"] = account.ActsFor };
}
