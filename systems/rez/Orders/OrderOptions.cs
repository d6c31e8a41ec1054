namespace Rez.Orders;

/// <summary>What an operator may set of orders, under <c>Orders</c> in the configuration.</summary>
internal sealed record OrderOptions
{
    /// <summary><c>Orders:PayWithin</c>: for so long products are held for an order that is not paid. 2 minutes to 24 hours; default 15 minutes.</summary>
    public TimeSpan PayWithin { get; init; } = TimeSpan.FromMinutes(15);

    /// <exception cref="InvalidOperationException">A value is not one.</exception>
    public static OrderOptions Read(IConfiguration configuration)
    {
        const string Key = "Orders:PayWithin";
        if (configuration[Key] is not { Length: > 0 } text)
        {
            return new OrderOptions();
        }

        return TimeSpan.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var within) && within >= TimeSpan.FromMinutes(2) && within <= TimeSpan.FromHours(24)
            ? new OrderOptions { PayWithin = within }
            : throw new InvalidOperationException($"{Key} is '{text}'; it must be a time from 00:02:00 to 1.00:00:00, such as 00:15:00");
    }
}
