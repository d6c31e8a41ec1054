using System.Threading.Channels;
using Npgsql;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>An event of an order, as it is sent to those who watch it.</summary>
internal sealed record OrderEventRow(ShardId Order, int Number, string Kind, string Json)
{
    internal const string Columns =
        """
        e.order_id, e.number, e.kind, '{"orderId":"' || e.order_id || '","status":"' || (e.data->>'status') || '","at":"' || utc(e.at) || '"'
            || coalesce(',"merchantOrderId":"' || (e.data->>'merchantOrderId') || '","merchantId":' || (e.data->>'merchantId'), '') || '}'
        """;

    internal static OrderEventRow Read(NpgsqlDataReader row) => new(new ShardId(row.GetInt64(0)), row.GetInt32(1), row.GetString(2), row.GetString(3));
}

/// <summary>
/// Watches orders for the streams of this instance: one look at each database for all of them together, however many there are, so that
/// an event is seen within about half a second at whatever instance it was made.
/// </summary>
internal sealed class OrderWatch(ShardedStore store, TimeProvider time, ILogger<OrderWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);

    // An order has some ten events in its life: a stream that is so far behind is not read.
    private const int MostWaiting = 100;
    private const int MostRows = 5_000;

    private readonly Lock _lock = new();
    private readonly HashSet<Subscription> _watching = [];

    /// <summary>Watches an order from after an event on; dispose it.</summary>
    public Subscription Watch(ShardId order, int after)
    {
        var subscription = new Subscription(this, order, after);
        lock (_lock)
        {
            _watching.Add(subscription);
        }

        return subscription;
    }

    /// <summary>Events of an order after one, for the beginning of a stream.</summary>
    public async Task<List<OrderEventRow>> ReplayAsync(ShardId order, long after, Caller? caller, CancellationToken cancel)
    {
        var shard = store.Shard(order);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return await Commons.Data.Sql.ListAsync(
            Commons.Data.Sql.Command(
                connection,
                $"SELECT {OrderEventRow.Columns} FROM order_events e WHERE bucket_id = $1 AND order_id = $2 AND number > $3 ORDER BY number",
                shard.Bucket,
                order.Value,
                (int)Math.Min(after, int.MaxValue)),
            OrderEventRow.Read,
            cancel);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await LookAsync(stoppingToken);
                }
                catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or IOException or TimeoutException)
                {
                    logger.LogDebug(e, "The next look sees it, too");
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The app stops.
        }
    }

    private async Task LookAsync(CancellationToken cancel)
    {
        ILookup<ShardId, Subscription> watching;
        lock (_lock)
        {
            if (_watching.Count == 0)
            {
                return;
            }

            watching = _watching.ToLookup(subscription => subscription.Order);
        }

        var seen = await store.ScatterAsync(
            new ScatterQuery<OrderEventRow>
            {
                Sql = $"SELECT {OrderEventRow.Columns} FROM unnest($3, $4, $5) w(bucket, id, after) JOIN order_events e ON e.bucket_id = w.bucket AND e.order_id = w.id AND e.number > w.after WHERE e.bucket_id = ANY ($1) ORDER BY e.order_id, e.number LIMIT $2",
                Values = [watching.Select(of => of.Key.Bucket).ToArray(), watching.Select(of => of.Key.Value).ToArray(), watching.Select(of => of.Min(subscription => subscription.After)).ToArray()],
                Read = OrderEventRow.Read,
                Limit = MostRows,
            },
            null,
            cancel);
        foreach (var row in seen.Rows)
        {
            foreach (var subscription in watching[row.Order])
            {
                subscription.Offer(row);
            }
        }
    }

    /// <summary>One stream's place.</summary>
    internal sealed class Subscription(OrderWatch watch, ShardId order, int after) : IDisposable
    {
        private readonly Channel<OrderEventRow> _events = Channel.CreateBounded<OrderEventRow>(MostWaiting);

        public ShardId Order => order;

        /// <summary>Number of the last event that was handed on.</summary>
        public int After { get; private set; } = after;

        /// <summary>Events in their order; it is completed when they are not read.</summary>
        public ChannelReader<OrderEventRow> Events => _events.Reader;

        /// <summary>By the one who looks.</summary>
        public void Offer(OrderEventRow row)
        {
            if (row.Number == After + 1) // a replica may show less than the one before it
            {
                After = row.Number;
                if (!_events.Writer.TryWrite(row))
                {
                    _events.Writer.TryComplete();
                }
            }
        }

        public void Dispose()
        {
            lock (watch._lock)
            {
                watch._watching.Remove(this);
            }
        }
    }
}
