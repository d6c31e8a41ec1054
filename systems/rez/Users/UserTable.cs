using Npgsql;
using Commons.Data;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Users;

/// <summary>A user. <paramref name="Id"/> holds the bucket of everything that is the user's.</summary>
internal sealed record User(ShardId Id, string Email, string? Phone, string Name, DateTime CreatedAt);

/// <summary>What became of a new user.</summary>
/// <param name="Id">The user's id; null when there is none.</param>
/// <param name="Taken">What another user has: <c>email</c> or <c>phone</c>.</param>
internal readonly record struct UserAdded(ShardId? Id, string? Taken);

/// <summary>Users by user. E-mail and phone are unique over all databases.</summary>
internal sealed class UserTable(ShardedStore store)
{
    private const string Columns = "id, email, phone, name, created_at";
    private static readonly TimeSpan Reserved = TimeSpan.FromSeconds(30);

    private readonly UniqueValues _emails = store.Unique("email");
    private readonly UniqueValues _phones = store.Unique("phone");

    /// <summary>An address as it is kept and compared.</summary>
    public static string Email(string text) => text.Trim().ToLowerInvariant();

    /// <summary>A number as it is kept and compared: + and digits.</summary>
    public static string Phone(string text) => string.Concat(text.Where(c => c is not (' ' or '-' or '(' or ')' or '.' or '/')));

    /// <summary>A new user, unless another one has the e-mail address or phone number.</summary>
    public async Task<UserAdded> AddAsync(string email, string? phone, string name, Caller? caller, CancellationToken cancel)
    {
        (email, phone) = (Email(email), phone is null ? null : Phone(phone));
        var id = store.NewId(email); // any key that spreads users evenly
        var number = phone is null ? null : await _phones.ReserveAsync(phone, id, Reserved, cancel);
        if (phone is not null && number is null)
        {
            return new UserAdded(null, "phone");
        }

        var added = false;
        try
        {
            added = await _emails.WriteAsync(email, id, (write, token) => AddAsync(write, new User(id, email, phone, name, default), number, token), caller, cancel);
        }
        finally
        {
            if (!added && number is not null)
            {
                await _phones.GiveUpAsync(number);
            }
        }

        if (added && number is not null)
        {
            await _phones.ConfirmAsync(number, cancel);
        }

        return added ? new UserAdded(id, null) : new UserAdded(null, "email");
    }

    /// <summary>The user of an id; null when there is none.</summary>
    public Task<User?> FindAsync(ShardId id, Caller? caller, CancellationToken cancel) => FindAsync(id, "id", id.Value, caller, cancel);

    /// <summary>Who logs in with an e-mail address; null when nobody does.</summary>
    public async Task<User?> WithEmailAsync(string email, Caller? caller, CancellationToken cancel) =>
        await _emails.FindAsync(Email(email), caller, cancel) is { } key ? await FindAsync(key, "email", Email(email), caller, cancel) : null;

    /// <summary>Who logs in with a phone number; null when nobody does.</summary>
    public async Task<User?> WithPhoneAsync(string phone, Caller? caller, CancellationToken cancel) =>
        await _phones.FindAsync(Phone(phone), caller, cancel) is { } key ? await FindAsync(key, "phone", Phone(phone), caller, cancel) : null;

    private static async Task AddAsync(ShardTransaction write, User user, Reservation? number, CancellationToken cancel)
    {
        if (number is not null)
        {
            await UniqueValues.ClaimAsync(write, number, cancel);
        }

        await Sql.ExecuteAsync(
            Sql.Command(write.Connection, "INSERT INTO users (bucket_id, id, email, phone, name) VALUES ($1, $2, $3, $4, $5)", write.Bucket, user.Id.Value, user.Email, user.Phone, user.Name),
            cancel);
    }

    private async Task<User?> FindAsync(ShardKey key, string column, object value, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(key);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.OneAsync(Sql.Command(connection, $"SELECT {Columns} FROM users WHERE bucket_id = $1 AND {column} = $2", shard.Bucket, value), Read, cancel);
    }

    private static User Read(NpgsqlDataReader row) =>
        new(new ShardId(row.GetInt64(0)), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), row.GetString(3), row.GetDateTime(4));
}
