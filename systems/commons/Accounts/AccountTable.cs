using Commons.Data;
using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>An account. <paramref name="Id"/> holds the bucket of everything that is its own.</summary>
internal sealed record Account(ShardId Id, string? Email, string? Phone, string Name, Access Role, long? ActsFor, string PasswordHash, bool IsActive, int Version, DateTime CreatedAt, DateTime UpdatedAt)
{
    public const string Columns = "id, email, phone, name, role, acts_for, password_hash, is_active, version, created_at, updated_at";

    public static Account Read(NpgsqlDataReader row) => new(
        new ShardId(row.GetInt64(0)),
        row.IsDBNull(1) ? null : row.GetString(1),
        row.IsDBNull(2) ? null : row.GetString(2),
        row.GetString(3),
        Roles.Parse(row.GetString(4)),
        row.IsDBNull(5) ? null : row.GetInt64(5),
        row.GetString(6),
        row.GetBoolean(7),
        row.GetInt32(8),
        row.GetDateTime(9),
        row.GetDateTime(10));
}

/// <summary>An account to be.</summary>
/// <param name="Email">In its normal form; null for none. One of e-mail and phone there must be.</param>
/// <param name="Phone">In its normal form.</param>
/// <param name="Name">1 to 120 characters.</param>
/// <param name="Role">One role.</param>
/// <param name="ActsFor">Of a merchant's account.</param>
/// <param name="PasswordHash">As <c>PasswordHasher</c> makes it; anything else is a password that nobody has.</param>
internal sealed record NewAccount(string? Email, string? Phone, string Name, Access Role, long? ActsFor, string PasswordHash);

/// <summary>What became of a new account.</summary>
/// <param name="Id">Its id; null when there is none.</param>
/// <param name="Taken">What another account has: <c>email</c> or <c>phone</c>.</param>
internal readonly record struct AccountAdded(ShardId? Id, string? Taken);

/// <summary>What changes of an account; null stays.</summary>
/// <param name="Name">1 to 120 characters.</param>
/// <param name="Email">In its normal form.</param>
/// <param name="Phone">In its normal form.</param>
internal sealed record AccountChange(string? Name, string? Email, string? Phone);

/// <summary>What became of a change.</summary>
/// <param name="Account">The account as it is now; null when it was not changed.</param>
/// <param name="Taken">What another account has: <c>email</c> or <c>phone</c>.</param>
internal readonly record struct AccountChanged(Account? Account, string? Taken);

/// <summary>Accounts, each in a bucket of its own choice. E-mail and phone are unique over all databases.</summary>
internal sealed class AccountTable(ShardedStore store)
{
    private static readonly TimeSpan Reserved = TimeSpan.FromSeconds(30);

    private readonly UniqueValues _emails = store.Unique("email");
    private readonly UniqueValues _phones = store.Unique("phone");

    /// <summary>A new account, unless another one has the e-mail address or the phone number.</summary>
    public async Task<AccountAdded> AddAsync(NewAccount account, Caller? caller, CancellationToken cancel)
    {
        var id = store.NewId(account.Email ?? account.Phone ?? throw new ArgumentException("neither e-mail nor phone", nameof(account))); // any key that spreads accounts evenly
        var taken = await ReserveAsync(id, account.Email, account.Phone, (write, token) => AddAsync(write, id, account, token), caller, cancel);
        return taken is null ? new AccountAdded(id, null) : new AccountAdded(null, taken);
    }

    /// <summary>Changes what is given, unless another account has the e-mail address or the phone number.</summary>
    public async Task<AccountChanged> ChangeAsync(ShardId id, AccountChange change, Caller? caller, CancellationToken cancel)
    {
        var own = await FindAsync(id, new Caller { SeesEverything = true }, cancel);
        var (email, phone) = (change.Email == own?.Email ? null : change.Email, change.Phone == own?.Phone ? null : change.Phone);
        (Account? Before, Account? After) changed = default;
        var taken = await ReserveAsync(id, email, phone, async (write, token) => changed = await ChangeAsync(write, id, change, token), caller, cancel);

        // Its old ones are others' to take, now that no row has them.
        if (taken is null && changed.Before?.Email is { } oldEmail && oldEmail != changed.After?.Email)
        {
            await _emails.ReleaseAsync(oldEmail, id, cancel);
        }

        if (taken is null && changed.Before?.Phone is { } oldPhone && oldPhone != changed.After?.Phone)
        {
            await _phones.ReleaseAsync(oldPhone, id, cancel);
        }

        return new AccountChanged(changed.After, taken);
    }

    /// <summary>Role and standing, of an account that is there and locked.</summary>
    public static async Task<Account> SetStandingAsync(ShardTransaction write, ShardId id, AccountStanding standing, CancellationToken cancel) => (await Sql.OneAsync(
        Sql.Command(
            write.Connection,
            $"""
            UPDATE accounts SET is_active = coalesce($3, is_active), role = coalesce($4, role), acts_for = CASE WHEN $4 IS NULL THEN acts_for ELSE $5 END,
                version = version + 1, updated_at = now()
            WHERE bucket_id = $1 AND id = $2 RETURNING {Account.Columns}
            """,
            write.Bucket,
            id.Value,
            standing.IsActive,
            standing.Role?.Name(),
            standing.ActsFor),
        Account.Read,
        cancel))!;

    /// <summary>Keeps the same password by a better hash, unless it was changed meanwhile.</summary>
    public Task RehashAsync(Account account, string hash, Caller? caller, CancellationToken cancel) => store.WriteAsync(
        account.Id,
        (write, token) => Sql.ExecuteAsync(
            Sql.Command(write.Connection, "UPDATE accounts SET password_hash = $3 WHERE bucket_id = $1 AND id = $2 AND password_hash = $4", write.Bucket, account.Id.Value, hash, account.PasswordHash), token),
        caller,
        cancel);

    /// <summary>Another password, which ends the account's other sessions in the same transaction.</summary>
    /// <param name="account">As its password was checked.</param>
    /// <param name="hash">Of the new one.</param>
    /// <param name="but">The session that stays.</param>
    /// <param name="ended">Gets the sessions that end, before the commit.</param>
    /// <param name="caller">Who changes it.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>False when the password was changed meanwhile.</returns>
    public Task<bool> SetPasswordAsync(Account account, string hash, ShardId but, List<long> ended, Caller? caller, CancellationToken cancel) => store.WriteAsync(
        account.Id,
        async (write, token) =>
        {
            var set = await Sql.ExecuteAsync(
                Sql.Command(
                    write.Connection,
                    "UPDATE accounts SET password_hash = $3, version = version + 1, updated_at = now() WHERE bucket_id = $1 AND id = $2 AND password_hash = $4",
                    write.Bucket,
                    account.Id.Value,
                    hash,
                    account.PasswordHash),
                token) > 0;
            if (set)
            {
                ended.AddRange(await Sessions.EndAllAsync(write, account.Id, but, token));
            }

            return set;
        },
        caller,
        cancel);

    /// <summary>The account of an id; null when there is none.</summary>
    public Task<Account?> FindAsync(ShardId id, Caller? caller, CancellationToken cancel) => FindAsync(id, "id", id.Value, caller, cancel);

    /// <summary>Whose e-mail address it is, in its normal form; null when nobody's.</summary>
    public Task<Account?> WithEmailAsync(string email, Caller? caller, CancellationToken cancel) => WithAsync(_emails, "email", email, caller, cancel);

    /// <summary>Whose phone number it is, in its normal form; null when nobody's.</summary>
    public Task<Account?> WithPhoneAsync(string phone, Caller? caller, CancellationToken cancel) => WithAsync(_phones, "phone", phone, caller, cancel);

    // Where nobody has the value a bucket is asked all the same: both take as long.
    private async Task<Account?> WithAsync(UniqueValues values, string column, string value, Caller? caller, CancellationToken cancel) =>
        await FindAsync(await values.FindAsync(value, caller, cancel) ?? value, column, value, caller, cancel);

    /// <summary>Writes a row that carries an e-mail address, a phone number or both: reserves them, writes and claims in one transaction, confirms.</summary>
    /// <returns>What another account has; null when the row was written.</returns>
    private async Task<string?> ReserveAsync(ShardId id, string? email, string? phone, Func<ShardTransaction, CancellationToken, Task> work, Caller? caller, CancellationToken cancel)
    {
        (UniqueValues Values, string Kind, string? Value)[] wanted = [(_emails, "email", email), (_phones, "phone", phone)];
        var reserved = new List<(UniqueValues Values, Reservation Reservation)>(wanted.Length);
        var written = false;
        try
        {
            foreach (var (values, kind, value) in wanted)
            {
                if (value is not null)
                {
                    if (await values.ReserveAsync(value, id, Reserved, cancel) is not { } reservation)
                    {
                        return kind;
                    }

                    reserved.Add((values, reservation));
                }
            }

            written = await store.WriteAsync(
                id,
                async (write, token) =>
                {
                    foreach (var (_, reservation) in reserved)
                    {
                        await UniqueValues.ClaimAsync(write, reservation, token);
                    }

                    await work(write, token);
                    return true;
                },
                caller,
                cancel);
        }
        finally
        {
            if (!written)
            {
                foreach (var (values, reservation) in reserved)
                {
                    await values.GiveUpAsync(reservation); // not committed, or not known to be: a claimed value is never freed
                }
            }
        }

        foreach (var (values, reservation) in reserved)
        {
            await values.ConfirmAsync(reservation, cancel);
        }

        return null;
    }

    private static Task AddAsync(ShardTransaction write, ShardId id, NewAccount account, CancellationToken cancel) => Sql.ExecuteAsync(
        Sql.Command(
            write.Connection,
            "INSERT INTO accounts (bucket_id, id, email, phone, name, role, acts_for, password_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            write.Bucket,
            id.Value,
            account.Email,
            account.Phone,
            account.Name,
            account.Role.Name(),
            account.ActsFor,
            account.PasswordHash),
        cancel);

    private static async Task<(Account? Before, Account? After)> ChangeAsync(ShardTransaction write, ShardId id, AccountChange change, CancellationToken cancel)
    {
        var before = await LockAsync(write, id, cancel);
        var after = await Sql.OneAsync(
            Sql.Command(
                write.Connection,
                $"UPDATE accounts SET name = coalesce($3, name), email = coalesce($4, email), phone = coalesce($5, phone), version = version + 1, updated_at = now() WHERE bucket_id = $1 AND id = $2 RETURNING {Account.Columns}",
                write.Bucket,
                id.Value,
                change.Name,
                change.Email,
                change.Phone),
            Account.Read,
            cancel);
        return (before, after);
    }

    public static Task<Account?> LockAsync(ShardTransaction write, ShardId id, CancellationToken cancel) => Sql.OneAsync(
        Sql.Command(write.Connection, $"SELECT {Account.Columns} FROM accounts WHERE bucket_id = $1 AND id = $2 FOR UPDATE", write.Bucket, id.Value), Account.Read, cancel);

    private async Task<Account?> FindAsync(ShardKey key, string column, object value, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(key);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.OneAsync(Sql.Command(connection, $"SELECT {Account.Columns} FROM accounts WHERE bucket_id = $1 AND {column} = $2", shard.Bucket, value), Account.Read, cancel);
    }
}
