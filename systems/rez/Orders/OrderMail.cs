using System.Globalization;
using System.Text;
using Commons.Data;
using Commons.Mail;
using Tenfold.Jobs;
using Tenfold.Postgres.Shards;

namespace Rez.Orders;

/// <summary>Tells the buyer by mail what happened to an order. Enqueued in the transaction in which it happened.</summary>
/// <param name="Order">The order.</param>
/// <param name="Number">Number of the event.</param>
[Job("orders.mail", Queue = "mail")]
internal sealed record OrderMail(long Order, int Number);

/// <summary>What a mail says.</summary>
internal sealed record OrderNews(ShardId Order, int Number, string Kind, DateTime ExpiresAt, long TotalCents, string ShipTo, IReadOnlyList<OrderLine> Lines)
{
    /// <summary>Subject and first sentence, by kind of event; null for events that are no news to a buyer.</summary>
    public (string Subject, string Sentence)? Say() => Kind switch
    {
        "order.placed" => ($"Your order {Order}", string.Create(CultureInfo.InvariantCulture, $"thank you for your order. Its products are held for you until {ExpiresAt:yyyy-MM-dd HH:mm} UTC: please pay by then.")),
        "order.paid" => ($"Your order {Order} is paid", "your payment has arrived. You will hear from us when your order is shipped."),
        "order.shipped" => ($"Your order {Order} is on its way", "your order, or a part of it, was shipped."),
        "order.delivered" => ($"Your order {Order} has arrived", "your order, or a part of it, was delivered."),
        "order.cancelled" => ($"Your order {Order} is cancelled", "your order was cancelled. Nothing was charged."),
        "order.expired" => ($"Your order {Order} has expired", "your order was not paid in time, and is cancelled. Nothing was charged."),
        "order.refunded" => ($"Your order {Order} is refunded", "your order was cancelled. What you have paid goes back to you."),
        _ => null,
    };

    public string Text(string name, string sentence)
    {
        var text = new StringBuilder().AppendLine($"Dear {name},").AppendLine().AppendLine(sentence).AppendLine();
        foreach (var line in Lines)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{line.Quantity,4} x {line.Name}, {Dollars(line.PriceCents)} each");
        }

        return text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"Total: {Dollars(TotalCents)}").AppendLine().AppendLine("Shipped to:").AppendLine(ShipTo).ToString();
    }

    private static string Dollars(long cents) => string.Create(CultureInfo.InvariantCulture, $"${cents / 100m:0.00}");
}

/// <summary>Sends it; buyers without an e-mail address get none.</summary>
internal sealed class OrderMailHandler(ShardedStore store, Mailer mailer) : IJobHandler<OrderMail>
{
    public async Task HandleAsync(OrderMail job, JobContext context, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(job);
        if (await FindAsync(new ShardId(job.Order), job.Number, cancel) is ({ } email, { } name, { } news) && news.Say() is var (subject, sentence))
        {
            await mailer.SendAsync(new Mail($"order-{job.Order}-{job.Number}", email, name, subject, news.Text(name, sentence)), cancel);
        }
    }

    private async Task<(string? Email, string? Name, OrderNews? News)> FindAsync(ShardId order, int number, CancellationToken cancel)
    {
        await using var connection = await store.Shard(order).Store.OpenWriterAsync(null, cancel); // a replica may not have it yet
        var lines = await Sql.ListAsync(
            Sql.Command(connection, "SELECT product_id, merchant_id, quantity, price_cents, name FROM order_lines WHERE bucket_id = $1 AND order_id = $2 ORDER BY product_id", order.Bucket, order.Value),
            row => new OrderLine(row.GetInt64(0), row.GetInt32(1), row.GetInt32(2), row.GetInt32(3), row.GetString(4)),
            cancel);
        var found = await Sql.ListAsync(
            Sql.Command(
                connection,
                """
                SELECT a.email, a.name, e.kind, o.expires_at, o.total_cents, o.ship_to
                FROM order_events e JOIN orders o ON o.bucket_id = e.bucket_id AND o.id = e.order_id JOIN accounts a ON a.bucket_id = o.bucket_id AND a.id = o.user_id
                WHERE e.bucket_id = $1 AND e.order_id = $2 AND e.number = $3
                """,
                order.Bucket,
                order.Value,
                number),
            row => (row.IsDBNull(0) ? null : row.GetString(0), row.GetString(1), new OrderNews(order, number, row.GetString(2), row.GetDateTime(3), row.GetInt64(4), row.GetString(5), lines)),
            cancel);
        return found.Count > 0 ? found[0] : default;
    }
}
