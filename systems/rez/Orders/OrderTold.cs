using System.Globalization;
using System.Text.Json;
using Npgsql;
using Tenfold.Jobs;
using Tenfold.Jobs.Outbox;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>Who is told of an order's events: its buyer by mail, and, where that is configured, somebody else's server and a stream of Redis.</summary>
internal sealed class OrderTold(JobClient jobs, OrderOptions options)
{
    /// <summary>Name of the key that webhooks are signed with.</summary>
    public const string Secret = "orders";

    /// <summary>Statements that enqueue the jobs for an event, for its own transaction; then call <see cref="Wake"/>.</summary>
    public IEnumerable<NpgsqlBatchCommand> Of(ShardId order, int number, string kind, OrderStatus status)
    {
        yield return jobs.Command(new OrderMail(order.Value, number));
        if (options.Webhook is { } url)
        {
            var body = JsonSerializer.SerializeToElement(new OrderEventTold(kind, order.ToString(), number, OrderStates.Text(status)), OrdersJson.Default.OrderEventTold);
            yield return jobs.Command(new Webhook { Url = url, Secret = Secret, Body = body });
        }

        if (options.Stream is { } stream)
        {
            yield return jobs.Command(new RedisStreamEntry
            {
                Stream = stream,
                Fields = new Dictionary<string, string>(StringComparer.Ordinal) { ["type"] = kind, ["order"] = order.ToString(), ["number"] = number.ToString(CultureInfo.InvariantCulture), ["status"] = OrderStates.Text(status) },
            });
        }
    }

    /// <summary>Has workers look at once, not only within a second.</summary>
    public void Wake(int database) => jobs.Told("mail", database);
}

/// <summary>Body of a webhook. Events of an order have numbers from 1 without gaps; they may come out of order, and twice.</summary>
internal sealed record OrderEventTold(string Type, string Order, int Number, string Status);
