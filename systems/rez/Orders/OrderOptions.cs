using System.Globalization;

namespace Rez.Orders;

/// <summary>What an operator may set of orders, under <c>Orders</c> in the configuration (as environment variables: <c>Orders__PayWithin</c>).</summary>
internal sealed record OrderOptions
{
    /// <summary><c>Orders:PayWithin</c>: for so long products are held for an order that is not paid. 2 minutes to 24 hours; default 15 minutes.</summary>
    public TimeSpan PayWithin { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary><c>Orders:Webhook:Url</c>: where events of all orders are posted to. Default: nowhere.</summary>
    public string? Webhook { get; init; }

    /// <summary><c>Orders:Webhook:Secret</c>: what they are signed with, <c>whsec_…</c>. Goes with the URL.</summary>
    public string? WebhookSecret { get; init; }

    /// <summary><c>Orders:Stream</c>: key of a stream of Redis that events of all orders are added to. Default: none.</summary>
    public string? Stream { get; init; }

    /// <exception cref="InvalidOperationException">A value is not one.</exception>
    public static OrderOptions Read(IConfiguration configuration)
    {
        var orders = configuration.GetSection("Orders");
        var within = new OrderOptions().PayWithin;
        if (Text("PayWithin") is { } text && !(TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out within) && within >= TimeSpan.FromMinutes(2) && within <= TimeSpan.FromHours(24)))
        {
            throw new InvalidOperationException($"Orders:PayWithin is '{text}'; it must be a time from 00:02:00 to 1.00:00:00, such as 00:15:00.");
        }

        var (url, secret) = (Text("Webhook:Url"), Text("Webhook:Secret"));
        if (url is null != secret is null)
        {
            throw new InvalidOperationException("Orders:Webhook:Url and Orders:Webhook:Secret belong together; one of them is missing.");
        }

        return new OrderOptions { PayWithin = within, Webhook = url, WebhookSecret = secret, Stream = Text("Stream") };

        string? Text(string key) => orders[key] is { Length: > 0 } given ? given : null;
    }
}
