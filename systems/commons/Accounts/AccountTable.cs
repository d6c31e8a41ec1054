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
        (UniqueValues Values, string Kind, string? Value)[] wanted = [(_emails, "email", account.Email), (_phones, "phone", account.Phone)];
        var reserved = new List<(UniqueValues Values, Reservation Reservation)>(wanted.Length);
        var added = false;
        try
        {
            foreach (var (values, kind, value) in wanted)
            {
                if (value is not null)
                {
                    if (await values.ReserveAsync(value, id, Reserved, cancel) is not { } reservation)
                    {
                        return new AccountAdded(null, kind);
                    }

                    reserved.Add((values, reservation));
                }
            }

            added = await store.WriteAsync(id, (write, token) => AddAsync(write, id, account, reserved, token), caller, cancel);
        }
        finally
        {
            if (!added)
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

        return new AccountAdded(id, null);
    }

    /// <summary>The account of an id; null when there is none.</summary>
    public Task<Account?> FindAsync(ShardId id, Caller? caller, CancellationToken cancel) => FindAsync(id, "id", id.Value, caller, cancel);

    /// <summary>Whose e-mail address it is, in its normal form; null when nobody's.</summary>
    public Task<Account?> WithEmailAsync(string email, Caller? caller, CancellationToken cancel) => WithAsync(_emails, "email", email, caller, cancel);

    /// <summary>Whose phone number it is, in its normal form; null when nobody's.</summary>
    public Task<Account?> WithPhoneAsync(string phone, Caller? caller, CancellationToken cancel) => WithAsync(_phones, "phone", phone, caller, cancel);

    // Where nobody has the value a bucket is asked all the same: both take as long.
    private async Task<Account?> WithAsync(UniqueValues values, string column, string value, Caller? caller, CancellationToken cancel) =>
        await FindAsync(await values.FindAsync(value, caller, cancel) ?? value, column, value, caller, cancel);

    private static async Task<bool> AddAsync(ShardTransaction write, ShardId id, NewAccount account, List<(UniqueValues Values, Reservation Reservation)> reserved, CancellationToken cancel)
    {
        foreach (var (_, reservation) in reserved)
        {
            await UniqueValues.ClaimAsync(write, reservation, cancel);
        }

        await Sql.ExecuteAsync(
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
        return true;
    }

    private async Task<Account?> FindAsync(ShardKey key, string column, object value, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(key);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.OneAsync(Sql.Command(connection, $"SELECT {Account.Columns} FROM accounts WHERE bucket_id = $1 AND {column} = $2", shard.Bucket, value), Account.Read, cancel);
    }
}
