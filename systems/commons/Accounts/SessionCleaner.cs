using Commons.Data;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Commons.Accounts;

/// <summary>Deletes sessions that ran out a month ago, with their refresh tokens. Every instance looks, in small pieces; doing it twice changes nothing.</summary>
internal sealed class SessionCleaner(ShardedStore store, TimeProvider time, ILogger<SessionCleaner> logger) : BackgroundService
{
    private const int AtOnce = 500;
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Kept = TimeSpan.FromDays(30);

    /// <returns>How many were deleted.</returns>
    internal async Task<int> CleanAsync(TimeSpan kept, CancellationToken cancel)
    {
        var old = await store.ScatterAsync(
            new ScatterQuery<ShardId>
            {
                Sql = "SELECT id FROM sessions WHERE expires_at < $3 AND bucket_id = ANY ($1) ORDER BY expires_at LIMIT $2",
                Values = [time.GetUtcNow().UtcDateTime - kept],
                Read = row => new ShardId(row.GetInt64(0)),
                Limit = AtOnce,
            },
            null,
            cancel);
        foreach (var bucket in old.Rows.GroupBy(session => session.Bucket))
        {
            await using var batch = new NpgsqlBatch();
            batch.BatchCommands.Add(Sql.InBatch("DELETE FROM sessions WHERE bucket_id = $1 AND id = ANY ($2)", bucket.Key, bucket.Select(session => session.Value).ToArray()));
            await store.ExecuteAsync(ShardKey.OfBucket(bucket.Key), batch, null, cancel);
        }

        return old.Rows.Count;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                while (await CleanAsync(Kept, stoppingToken) == AtOnce)
                {
                }
            }
            catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or TimeoutException)
            {
                logger.LogDebug(e, "The next round tries it again");
            }
        }
    }
}
