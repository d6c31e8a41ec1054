using System.Collections.Concurrent;
using System.Threading.Channels;
using Commons.Data;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>
/// Notes, beside the requests, that browsers' sessions are in use, which is what keeps them alive: each at most once in
/// <see cref="AccountsOptions.NoteUseEvery"/>. One that cannot be noted is noted with a later request. (An app's session is noted when it refreshes.)
/// </summary>
internal sealed class SessionUse(ShardedStore store, AccountsOptions options, TimeProvider time, ILogger<SessionUse> logger) : BackgroundService
{
    private const int Most = 1024;

    private readonly Channel<ShardId> _used = Channel.CreateBounded<ShardId>(new BoundedChannelOptions(Most) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
    private readonly ConcurrentDictionary<ShardId, bool> _waiting = new();

    /// <summary>Told after a session was noted: its cached state is from before.</summary>
    public Func<ShardId, Task>? Noted { get; set; }

    /// <summary>Does not wait.</summary>
    public void Note(ShardId session)
    {
        if (_waiting.TryAdd(session, true) && !_used.Writer.TryWrite(session))
        {
            _waiting.TryRemove(session, out _);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var session in _used.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await NoteAsync(session, stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or TimeoutException)
            {
                logger.LogDebug(e, "A later request tries it again");
            }
            finally
            {
                _waiting.TryRemove(session, out _);
            }
        }
    }

    private async Task NoteAsync(ShardId session, CancellationToken cancel)
    {
        var now = time.GetUtcNow().UtcDateTime;
        await store.WriteAsync(
            session,
            (write, token) => Sql.ExecuteAsync(
                Sql.Command(
                    write.Connection,
                    """
                    UPDATE sessions SET used_at = $3, token_expires_at = least($4, created_at + $5), expires_at = least($4, created_at + $5)
                    WHERE bucket_id = $1 AND id = $2 AND kind = 'browser' AND ended_at IS NULL AND expires_at > $3
                    """,
                    write.Bucket,
                    session.Value,
                    now,
                    now + options.BrowserIdle,
                    options.BrowserLifetime),
                token),
            null,
            cancel);
        await (Noted?.Invoke(session) ?? Task.CompletedTask);
    }
}
