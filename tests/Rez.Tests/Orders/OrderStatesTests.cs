using Rez.Orders;

namespace Rez.Tests.Orders;

public sealed class OrderStatesTests
{
    private const string Table =
        """
                    Pay        Cancel     Expire     Ship      Deliver    Refund
        Pending     Paid       Cancelled  Cancelled  -         -          -
        Paid        Paid       Refunded   -          Shipped   -          Refunded
        Shipped     Shipped    -          -          Shipped   Delivered  Refunded
        Delivered   Delivered  -          -          Delivered Delivered  Refunded
        Cancelled   -          Cancelled  Cancelled  -         -          -
        Refunded    -          Refunded   -          -         -          Refunded
        """;

    [Fact]
    public void Every_action_leads_from_every_status_where_the_table_says()
    {
        var lines = Table.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToArray();
        Assert.Equal(Enum.GetNames<OrderAction>().Order(), lines[0].Order());
        Assert.Equal(Enum.GetNames<OrderStatus>(), lines[1..].Select(line => line[0]));
        foreach (var line in lines[1..])
        {
            for (var column = 0; column < lines[0].Length; column++)
            {
                var (from, action) = (Enum.Parse<OrderStatus>(line[0]), Enum.Parse<OrderAction>(lines[0][column]));
                Assert.Equal((from, action, line[column + 1]), (from, action, OrderStates.Next(from, action)?.ToString() ?? "-"));
            }
        }
    }

    [Fact]
    public void An_order_is_as_far_as_the_last_of_its_parts() => Assert.Equal(
        [OrderStatus.Paid, OrderStatus.Shipped, OrderStatus.Delivered, OrderStatus.Refunded],
        [
            OrderStates.Of([OrderStatus.Shipped, OrderStatus.Paid]), OrderStates.Of([OrderStatus.Delivered, OrderStatus.Shipped]),
            OrderStates.Of([OrderStatus.Delivered, OrderStatus.Delivered]), OrderStates.Of([OrderStatus.Refunded]),
        ]);

    [Fact]
    public void Every_status_has_a_name_and_is_found_by_it() =>
        Assert.All(Enum.GetValues<OrderStatus>(), status => Assert.Equal(status, OrderStates.Parse(OrderStates.Text(status))));
}
