using Microsoft.Extensions.Logging;
using Npgsql;

namespace Tenfold.Postgres.Shards;

/// <summary>
/// This process's number for ids, leased in the home database for 30 s at a time and renewed every 10. The row also says below which
/// millisecond the number's ids are, so that the next holder begins above them whatever its clock says.
/// </summary>
internal sealed partial class ShardInstance : IAsyncDisposable
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(10);
    private const long Ahead = 60_000; // milliseconds of ids that a lease allows

    private readonly PostgresStore _home;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Guid _holder;
    private readonly int _number;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    private ShardInstance(PostgresStore home, TimeProvider time, ILogger logger, Guid holder, int number, ShardIdGenerator ids)
    {
        (_home, _time, _logger, _holder, _number, Ids) = (home, time, logger, holder, number, ids);
        _loop = Task.Run(RenewAsync);
    }

    public ShardIdGenerator Ids { get; }

    /// <exception cref="ShardException">All numbers are in use.</exception>
    public static async Task<ShardInstance> StartAsync(PostgresStore home, int buckets, TimeProvider time, ILogger logger, CancellationToken cancel)
    {
        var holder = Guid.NewGuid();
        var sent = time.GetTimestamp();
        var now = ShardId.MillisecondOf(time.GetUtcNow());
        await using var connection = await home.OpenWriterAsync(null, cancel);
        // A number whose ids are all in the past if there is one: ids then tell the true time.
        await using var command = Sql.Command(
            connection,
            """
            INSERT INTO tenfold.shard_instances AS mine (instance, holder, expires_at, below)
            SELECT number, $1, clock_timestamp() + $2, greatest($3, coalesce(below, 0)) + $4
            FROM generate_series(0, $5 - 1) number LEFT JOIN tenfold.shard_instances ON instance = number
            WHERE expires_at IS NULL OR expires_at < clock_timestamp()
            ORDER BY greatest($3, coalesce(below, 0)), random() LIMIT 1
            ON CONFLICT (instance) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at, below = greatest(excluded.below, mine.below + $4)
                WHERE mine.expires_at < clock_timestamp()
            RETURNING instance, below
            """,
            holder,
            Lease,
            now,
            Ahead,
            ShardId.Instances);
        for (var attempt = 0; attempt < 10; attempt++)
        {
            await using var rows = await command.ExecuteReaderAsync(cancel);
            if (await rows.ReadAsync(cancel))
            {
                var (number, below) = (rows.GetInt32(0), rows.GetInt64(1));
                var lease = new IdLease(number, below - Ahead, below, sent + Ticks(Lease, time));
                return new ShardInstance(home, time, logger, holder, number, new ShardIdGenerator(buckets, lease, time));
            }

            // Another process took the same number at the same moment: choose again.
        }

        throw new ShardException(ShardFailure.Id, $"store {home.Name}: all {ShardId.Instances} instance numbers for ids are leased (tenfold.shard_instances); stop some of the processes that make ids, or start those that make none with {nameof(ShardedStoreOptions.MakesIds)} = false");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        try
        {
            await using var connection = await _home.OpenWriterAsync(null, CancellationToken.None);
            await Sql.ExecuteAsync(
                connection,
                "UPDATE tenfold.shard_instances SET expires_at = '-infinity', below = $3 WHERE instance = $1 AND holder = $2",
                CancellationToken.None,
                _number,
                _holder,
                Ids.LastMillisecond + 1);
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException or TimeoutException or ObjectDisposedException)
        {
            // It expires by itself.
        }
    }

    private async Task RenewAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(Renewal, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            try
            {
                var sent = _time.GetTimestamp();
                await using var connection = await _home.OpenWriterAsync(null, _stop.Token);
                var below = await Sql.ScalarAsync<long>(
                    connection,
                    "UPDATE tenfold.shard_instances SET expires_at = clock_timestamp() + $3, below = greatest(below, $4) WHERE instance = $1 AND holder = $2 RETURNING below",
                    _stop.Token,
                    _number,
                    _holder,
                    Lease,
                    Math.Max(ShardId.MillisecondOf(_time.GetUtcNow()), Ids.LastMillisecond) + Ahead);
                if (below == 0)
                {
                    Lost(_home.Name, _number);
                    return;
                }

                Ids.Renew(new IdLease(_number, 0, below, sent + Ticks(Lease, _time)));
            }
            catch (Exception e) when (e is NpgsqlException or PostgresStoreException or TimeoutException or OperationCanceledException or InvalidOperationException)
            {
                if (!_stop.IsCancellationRequested)
                {
                    NotRenewed(_home.Name, _number, e.Message);
                }
            }
        }
    }

    private static long Ticks(TimeSpan span, TimeProvider time) => (long)(span.TotalSeconds * time.TimestampFrequency);

    [LoggerMessage(1, LogLevel.Warning, "store {Store}: the lease on instance number {Number} could not be renewed; trying again: {Reason}")]
    private partial void NotRenewed(string store, int number, string reason);

    [LoggerMessage(2, LogLevel.Error, "store {Store}: instance number {Number} was given to another process, as this one did not renew it in time; no more ids are made here: restart this process")]
    private partial void Lost(string store, int number);
}
