using Commons.Data;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>Refresh tokens of apps: each is used once, for the next access token and the next refresh token.</summary>
internal static class RefreshTokens
{
    /// <summary>A further one of a session.</summary>
    /// <returns>What its client is given.</returns>
    public static async Task<string> AddAsync(ShardTransaction write, ShardId session, DateTime expires, CancellationToken cancel)
    {
        var (token, text) = SessionToken.New(session);
        await Sql.ExecuteAsync(
            Sql.Command(write.Connection, "INSERT INTO refresh_tokens (bucket_id, session_id, hash, expires_at) VALUES ($1, $2, $3, $4)", write.Bucket, session.Value, token.Hash, expires), cancel);
        return text;
    }
}
