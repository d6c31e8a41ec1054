using Commons.Data;
using Microsoft.Extensions.Caching.Hybrid;
using Npgsql;
using Tenfold.Caching;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>Where a session is used from.</summary>
/// <param name="Address">The client's address.</param>
/// <param name="Agent">What it calls itself; at most 200 characters are kept.</param>
public sealed record Device(string Address, string Agent);

/// <summary>A session that was made, and what its client is given.</summary>
/// <param name="Identity">Whose it is.</param>
/// <param name="Token">The cookie or the access token.</param>
/// <param name="RefreshToken">Of an app.</param>
public sealed record NewSession(Identity Identity, string Token, string? RefreshToken);

/// <summary>
/// Sessions: the truth is in PostgreSQL, at the account's bucket; what every request asks is in the cache, so that losing Redis logs nobody
/// out. One that has ended is refused by every instance within the cache's bound on propagation (1 s), usually at once. Thread-safe.
/// </summary>
public sealed class Sessions
{
    /// <summary>The cache policy that sessions are kept by.</summary>
    public const string CachePolicy = "sessions";

    private const int LongestAgent = 200;

    private readonly PolicyCache _cache;
    private readonly HybridCacheEntryOptions? _keep;
    private readonly ShardedStore _store;
    private readonly AccountsOptions _options;
    private readonly SessionUse _use;
    private readonly TimeProvider _time;

    internal Sessions(ShardedStore store, TenfoldCache cache, AccountsOptions options, SessionUse use, TimeProvider time)
    {
        (_store, _cache, _options, _use, _time) = (store, cache.For(CachePolicy), options, use, time);
        _use.Noted = session => InvalidateAsync([session.Value]);

        // Without Redis no other process says that a session has ended: nothing is believed for longer than the bound.
        _keep = cache.IsLocal ? new HybridCacheEntryOptions { Expiration = cache.PropagationBound } : null;
    }

    /// <summary>Logs an account in.</summary>
    /// <returns>Null when there is no such account, or it is not active.</returns>
    public Task<NewSession?> CreateAsync(ShardId account, SessionKind kind, Device device, Caller? caller, CancellationToken cancel) =>
        _store.WriteAsync(account, (write, token) => CreateAsync(write, account, kind, device, token), caller, cancel);

    /// <summary>Whom a token stands for; null when it does not hold (any more).</summary>
    /// <remarks>A hit in memory asks nobody; else it is a read of Redis or of the account's database.</remarks>
    public async ValueTask<Identity?> FindAsync(SessionToken token, SessionKind kind, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(token);
        var state = await _cache.GetOrCreateAsync(token.Session.ToString(), token.Session, LoadAsync, _keep, cancellationToken: cancel);
        if (state is not null && !token.Is(state.TokenHash))
        {
            state = await LoadAsync(token.Session, cancel); // another instance may have given this token out a moment ago
        }

        var now = _time.GetUtcNow().UtcDateTime;
        if (state is null || state.Kind != kind || !token.Is(state.TokenHash) || state.TokenExpiresAt <= now)
        {
            return null;
        }

        if (kind == SessionKind.Browser && now - state.UsedAt > _options.NoteUseEvery)
        {
            _use.Note(token.Session);
        }

        return state.Identity(token.Session);
    }

    /// <summary>Ends one session of an account.</summary>
    /// <returns>False when the account has no such session, or it has ended before.</returns>
    public async Task<bool> EndAsync(ShardId account, ShardId session, Caller? caller, CancellationToken cancel) =>
        (await EndAsync(account, write => Ending(write, account, "AND id = $3", session.Value), caller, cancel)).Count > 0;

    /// <summary>Ends all sessions of an account, but the one that is to be kept.</summary>
    /// <returns>How many there were.</returns>
    public async Task<int> EndAllAsync(ShardId account, ShardId? but, Caller? caller, CancellationToken cancel) =>
        (await EndAsync(account, write => Ending(write, account, "AND id <> $3", but?.Value ?? 0), caller, cancel)).Count;

    /// <summary>Whether an account was logged in from an address before.</summary>
    internal async Task<bool> WasUsedFromAsync(ShardId account, string address, Caller? caller, CancellationToken cancel)
    {
        var shard = _store.Shard(account);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Sql.ListAsync(
            Sql.Command(connection, "SELECT 1 FROM sessions WHERE bucket_id = $1 AND user_id = $2 AND address = $3 LIMIT 1", shard.Bucket, account.Value, address), row => row.GetInt32(0), cancel) is not [];
    }

    /// <summary>Whether the id has a bucket; one that was made up may have none.</summary>
    internal bool MayExist(ShardId session) => session.Bucket < _store.Map.Scheme.Count;

    /// <summary>Forgets what is cached of sessions: after the transaction that has changed them, or their account.</summary>
    internal Task InvalidateAsync(IEnumerable<long> sessions) =>
        Task.WhenAll(sessions.Select(session => _cache.InvalidateAsync(new ShardId(session).ToString()).AsTask()));

    /// <summary>Ends all sessions of an account but one, in the caller's transaction; <see cref="InvalidateAsync"/> follows its commit.</summary>
    internal static Task<List<long>> EndAllAsync(ShardTransaction write, ShardId account, ShardId? but, CancellationToken cancel) =>
        Sql.ListAsync(Ending(write, account, "AND id <> $3", but?.Value ?? 0), row => row.GetInt64(0), cancel);

    /// <summary>Sessions of an account that have not ended, as its own transaction sees them.</summary>
    internal static Task<List<long>> OpenAsync(ShardTransaction write, ShardId account, CancellationToken cancel) => Sql.ListAsync(
        Sql.Command(write.Connection, "SELECT id FROM sessions WHERE bucket_id = $1 AND user_id = $2 AND ended_at IS NULL", write.Bucket, account.Value), row => row.GetInt64(0), cancel);

    /// <summary>Makes a session in the caller's transaction.</summary>
    internal async Task<NewSession?> CreateAsync(ShardTransaction write, ShardId account, SessionKind kind, Device device, CancellationToken cancel)
    {
        // Held until the session is there: what changes the account meanwhile waits, and then finds the session.
        var found = await Sql.OneAsync(
            Sql.Command(write.Connection, "SELECT role, acts_for FROM accounts WHERE bucket_id = $1 AND id = $2 AND is_active FOR SHARE", write.Bucket, account.Value),
            row => Tuple.Create(Roles.Parse(row.GetString(0)), row.IsDBNull(1) ? (long?)null : row.GetInt64(1)),
            cancel);
        if (found is null)
        {
            return null;
        }

        var session = _store.NewId(account);
        var (token, text) = SessionToken.New(session);
        var now = _time.GetUtcNow().UtcDateTime;
        await Sql.ExecuteAsync(
            Sql.Command(
                write.Connection,
                "INSERT INTO sessions (bucket_id, id, user_id, kind, token_hash, token_expires_at, expires_at, address, agent, created_at, used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
                write.Bucket,
                session.Value,
                account.Value,
                kind == SessionKind.Browser ? "browser" : "app",
                token.Hash,
                now + (kind == SessionKind.Browser ? _options.BrowserIdle : _options.AccessLifetime),
                now + (kind == SessionKind.Browser ? _options.BrowserIdle : _options.RefreshLifetime),
                device.Address,
                device.Agent.Length <= LongestAgent ? device.Agent : device.Agent[..LongestAgent],
                now),
            cancel);
        var refresh = kind == SessionKind.App ? await RefreshTokens.AddAsync(write, session, now + _options.RefreshLifetime, cancel) : null;
        return new NewSession(new Identity(account, session, found.Item1, found.Item2), text, refresh);
    }

    // By now, whatever a replica or an interrupted move would say: who was logged out stays out.
    private async ValueTask<SessionState?> LoadAsync(ShardId session, CancellationToken cancel)
    {
        if (!MayExist(session))
        {
            return null;
        }

        var shard = _store.Shard(session);
        await using var connection = await shard.OpenReaderAsync(new Caller { SeesEverything = true }, cancel);
        return await Sql.OneAsync(Sql.Command(connection, SessionState.Select, shard.Bucket, session.Value), SessionState.Read, cancel);
    }

    private async Task<List<long>> EndAsync(ShardId account, Func<ShardTransaction, NpgsqlCommand> ending, Caller? caller, CancellationToken cancel)
    {
        List<long> ended = [];
        try
        {
            await _store.WriteAsync(account, async (write, token) => ended = await Sql.ListAsync(ending(write), row => row.GetInt64(0), token), caller, cancel);
        }
        finally
        {
            await InvalidateAsync(ended); // also when it is not known whether it was committed
        }

        return ended;
    }

    private static NpgsqlCommand Ending(ShardTransaction write, ShardId account, string which, long session) => Sql.Command(
        write.Connection,
        $"UPDATE sessions SET ended_at = now() WHERE bucket_id = $1 AND user_id = $2 AND ended_at IS NULL {which} RETURNING id",
        write.Bucket,
        account.Value,
        session);
}
