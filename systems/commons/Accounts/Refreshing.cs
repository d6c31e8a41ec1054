using Commons.Data;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>What became of a refresh token.</summary>
public enum RefreshOutcome
{
    Refreshed,

    /// <summary>It is none, has expired, or its session has ended.</summary>
    Invalid,

    /// <summary>It was used before: somebody has a copy. Its session has ended with this.</summary>
    Reused,
}

/// <summary>What became of a refresh token.</summary>
/// <param name="Outcome">In a word.</param>
/// <param name="Token">The next access token.</param>
/// <param name="RefreshToken">The next refresh token.</param>
public sealed record Refreshed(RefreshOutcome Outcome, string? Token = null, string? RefreshToken = null);

/// <summary>
/// Exchanges refresh tokens. A session is a family of them: each is used once, and one that comes again ends the family, because either its
/// owner or a thief is the one who comes late. The session's row is locked meanwhile, so of two at the same time one is late. Thread-safe.
/// </summary>
public sealed class Refreshing(ShardedStore store, Sessions sessions, AccountsOptions options, TimeProvider time)
{
    public async Task<Refreshed> RefreshAsync(SessionToken refresh, Caller? caller, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(refresh);
        if (!sessions.MayExist(refresh.Session))
        {
            return new Refreshed(RefreshOutcome.Invalid);
        }

        Refreshed? refreshed = null;
        try
        {
            refreshed = await store.WriteAsync(refresh.Session, (write, token) => RefreshAsync(write, refresh, token), caller, cancel);
            return refreshed;
        }
        finally
        {
            if (refreshed?.Outcome != RefreshOutcome.Invalid)
            {
                await sessions.InvalidateAsync([refresh.Session.Value]); // also when it is not known whether it was committed
            }
        }
    }

    private async Task<Refreshed> RefreshAsync(ShardTransaction write, SessionToken refresh, CancellationToken cancel)
    {
        var now = time.GetUtcNow().UtcDateTime;
        var alive = await Sql.ListAsync(
            Sql.Command(
                write.Connection,
                "SELECT a.is_active AND s.ended_at IS NULL FROM sessions s JOIN accounts a ON a.bucket_id = s.bucket_id AND a.id = s.user_id WHERE s.bucket_id = $1 AND s.id = $2 FOR UPDATE OF s",
                write.Bucket,
                refresh.Session.Value),
            row => row.GetBoolean(0),
            cancel);
        var found = await Sql.ListAsync(
            Sql.Command(write.Connection, "SELECT used_at IS NOT NULL, expires_at FROM refresh_tokens WHERE bucket_id = $1 AND session_id = $2 AND hash = $3", write.Bucket, refresh.Session.Value, refresh.Hash),
            row => (IsUsed: row.GetBoolean(0), ExpiresAt: row.GetDateTime(1)),
            cancel);
        if (alive is not [true] || found is not [var token] || token.ExpiresAt <= now)
        {
            return new Refreshed(RefreshOutcome.Invalid);
        }

        return token.IsUsed ? await EndAsync(write, refresh, cancel) : await NextAsync(write, refresh, now, cancel);
    }

    private static async Task<Refreshed> EndAsync(ShardTransaction write, SessionToken refresh, CancellationToken cancel)
    {
        await Sql.ExecuteAsync(Sql.Command(write.Connection, "UPDATE sessions SET ended_at = now() WHERE bucket_id = $1 AND id = $2", write.Bucket, refresh.Session.Value), cancel);
        return new Refreshed(RefreshOutcome.Reused);
    }

    private async Task<Refreshed> NextAsync(ShardTransaction write, SessionToken refresh, DateTime now, CancellationToken cancel)
    {
        var (token, text) = SessionToken.New(refresh.Session);
        await Sql.ExecuteAsync(
            Sql.Command(write.Connection, "UPDATE refresh_tokens SET used_at = now() WHERE bucket_id = $1 AND session_id = $2 AND hash = $3", write.Bucket, refresh.Session.Value, refresh.Hash), cancel);
        await Sql.ExecuteAsync(
            Sql.Command(write.Connection, "DELETE FROM refresh_tokens WHERE bucket_id = $1 AND session_id = $2 AND expires_at < $3", write.Bucket, refresh.Session.Value, now), cancel);
        await Sql.ExecuteAsync(
            Sql.Command(
                write.Connection,
                "UPDATE sessions SET token_hash = $3, token_expires_at = $4, expires_at = $5, used_at = $6 WHERE bucket_id = $1 AND id = $2",
                write.Bucket,
                refresh.Session.Value,
                token.Hash,
                now + options.AccessLifetime,
                now + options.RefreshLifetime,
                now),
            cancel);
        return new Refreshed(RefreshOutcome.Refreshed, text, await RefreshTokens.AddAsync(write, refresh.Session, now + options.RefreshLifetime, cancel));
    }
}
