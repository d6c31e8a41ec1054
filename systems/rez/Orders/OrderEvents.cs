using Commons.Accounts;
using Commons.Data;
using Commons.Events;
using Commons.Http;
using Tenfold.AspNetCore;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>
/// <c>GET /api/orders/{id}/events</c>: server-sent events about an order, from the one after <c>Last-Event-ID</c> on, or from the first. Every
/// instance can serve it: events are in the database, numbered without gaps.
/// </summary>
internal sealed class OrderEvents(OrderWatch watch, ShardedStore store, IHostApplicationLifetime lifetime, TimeProvider time) : IDisposable
{
    /// <summary>Streams that an instance serves at the same time.</summary>
    public const int MostAtOnce = 1_000;

    private readonly EventStreams _streams = new(MostAtOnce, lifetime, time);

    public async Task HandleAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "order") is { } id && await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            await _streams.ServeAsync(context, stream => AnswerAsync(context, stream, new ShardId(id), context.Caller()));
        }
    }

    public void Dispose() => _streams.Dispose();

    private async Task AnswerAsync(HttpContext context, EventWriter stream, ShardId order, Caller caller)
    {
        if (!await MayWatchAsync(order, ReadOrders.OwnerOf(context.Identity()), caller, context.RequestAborted))
        {
            await ItemReply.NotFoundAsync(context, "order");
            return;
        }

        var missed = await watch.ReplayAsync(order, 0, caller, context.RequestAborted);
        var seen = stream.LastId;
        if (missed.Count > 0 && seen >= missed[^1].Number && IsLast(missed[^1]))
        {
            stream.End();
            return;
        }

        await stream.BeginAsync();
        foreach (var row in missed.Where(row => row.Number > seen))
        {
            await stream.WriteAsync(row.Number, row.Kind, row.Json);
        }

        if (missed.Count == 0 || !IsLast(missed[^1]))
        {
            await FollowAsync(stream, order, (int)Math.Clamp(seen, missed.Count, int.MaxValue - 1)); // a replica may not have what the client has seen
        }
    }

    private async Task FollowAsync(EventWriter stream, ShardId order, int after)
    {
        using var subscription = watch.Watch(order, after);
        while (true)
        {
            using var beat = CancellationTokenSource.CreateLinkedTokenSource(stream.Over);
            beat.CancelAfter(stream.UntilBeat + TimeSpan.FromMilliseconds(1));
            try
            {
                if (!await subscription.Events.WaitToReadAsync(beat.Token))
                {
                    return; // it was not read for too long: the client comes back
                }
            }
            catch (OperationCanceledException) when (!stream.Over.IsCancellationRequested)
            {
                await stream.BeatAsync();
                continue;
            }

            while (subscription.Events.TryRead(out var row))
            {
                await stream.WriteAsync(row.Number, row.Kind, row.Json);
                if (IsLast(row))
                {
                    return;
                }
            }
        }
    }

    /// <summary>Whether nothing is to be expected any more.</summary>
    private static bool IsLast(OrderEventRow row) => row.Kind is "order.cancelled" or "order.expired" or "order.refunded" || row.Json.Contains("\"status\":\"delivered\"", StringComparison.Ordinal);

    private async Task<bool> MayWatchAsync(ShardId order, ShardId? owner, Caller caller, CancellationToken cancel)
    {
        if (order.Bucket >= store.Map.Scheme.Count)
        {
            return false; // not one of our ids
        }

        var shard = store.Shard(order);
        await using var connection = await shard.OpenReaderAsync(caller, cancel);
        return (await Sql.ListAsync(
            Sql.Command(connection, "SELECT 1 FROM orders WHERE bucket_id = $1 AND id = $2 AND ($3::bigint IS NULL OR user_id = $3)", shard.Bucket, order.Value, owner?.Value), _ => true, cancel)).Count > 0;
    }
}
