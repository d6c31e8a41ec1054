using System.ComponentModel;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>What holds a session.</summary>
public enum SessionKind
{
    /// <summary>A cookie.</summary>
    Browser,

    /// <summary>A short-lived access token, and refresh tokens that are used once each.</summary>
    App,
}

/// <summary>What requests ask of a session, as it is cached: of one that has not ended, whose account is active.</summary>
[ImmutableObject(true)]
internal sealed record SessionState(long User, Access Role, long? ActsFor, SessionKind Kind, byte[] TokenHash, DateTime TokenExpiresAt, DateTime UsedAt)
{
    /// <summary>By bucket and id.</summary>
    public const string Select =
        """
        SELECT s.user_id, a.role, a.acts_for, s.kind, s.token_hash, s.token_expires_at, s.used_at
        FROM sessions s JOIN accounts a ON a.bucket_id = s.bucket_id AND a.id = s.user_id
        WHERE s.bucket_id = $1 AND s.id = $2 AND s.ended_at IS NULL AND a.is_active
        """;

    public static SessionState Read(NpgsqlDataReader row) => new(
        row.GetInt64(0),
        Roles.Parse(row.GetString(1)),
        row.IsDBNull(2) ? null : row.GetInt64(2),
        row.GetString(3) == "browser" ? SessionKind.Browser : SessionKind.App,
        row.GetFieldValue<byte[]>(4),
        row.GetDateTime(5),
        row.GetDateTime(6));

    public Identity Identity(ShardId session) => new(new ShardId(User), session, Role, ActsFor);
}

/// <summary>Roles as they are written.</summary>
public static class Roles
{
    /// <summary>Every role by its name.</summary>
    public static IReadOnlyDictionary<string, Access> ByName { get; } = new Dictionary<string, Access>(StringComparer.Ordinal)
    {
        ["customer"] = Access.Customer, ["merchant"] = Access.Merchant, ["admin"] = Access.Admin,
    };

    /// <exception cref="ArgumentOutOfRangeException">It is not one role.</exception>
    public static string Name(this Access role) => role switch
    {
        Access.Customer => "customer",
        Access.Merchant => "merchant",
        Access.Admin => "admin",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "one of customer, merchant, admin"),
    };

    internal static Access Parse(string name) => ByName[name];
}
