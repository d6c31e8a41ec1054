using Rez.Carts;
using Rez.Stock;

namespace Rez.Orders;

/// <summary>So many of a product are ordered.</summary>
internal sealed record OrderedItem
{
    public required long ProductId { get; init; }

    public required int Quantity { get; init; }
}

/// <summary>Body of <c>POST /api/orders</c>.</summary>
internal sealed record OrderRequest
{
    /// <summary>Longest address, in characters.</summary>
    public const int LongestAddress = 500;

    /// <summary>What is ordered; when it is left out, what is in the cart.</summary>
    public IReadOnlyList<OrderedItem>? Items { get; init; }

    /// <summary>Name and address, as they stand on the parcel.</summary>
    public required string ShipTo { get; init; }

    /// <summary>What is wrong with it, by field.</summary>
    public Dictionary<string, string[]> Errors()
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        if (ShipTo is null || ShipTo.Trim().Length is 0 or > LongestAddress || ShipTo.Any(c => char.IsControl(c) && c != '\n'))
        {
            errors["shipTo"] = [$"must be a name and address of 1 to {LongestAddress} characters"];
        }

        if (Items is null)
        {
            return errors;
        }

        if (Items.Count is 0 or > CartTable.Most)
        {
            errors["items"] = [$"has {Items.Count} products; it must have 1 to {CartTable.Most}, or be left out to order what is in the cart"];
        }

        var seen = new HashSet<long>();
        for (var i = 0; i < Items.Count && errors.Count < 20; i++)
        {
            if (Items[i] is not { ProductId: > 0, Quantity: >= 1 and <= CartTable.MostOfOne } item)
            {
                errors[$"items[{i}]"] = [$"must be a productId from 1 and a quantity from 1 to {CartTable.MostOfOne}"];
            }
            else if (!seen.Add(item.ProductId))
            {
                errors[$"items[{i}]"] = [$"is product {item.ProductId} again; name each product once"];
            }
        }

        return errors;
    }

    public IReadOnlyList<Wanted>? Wanted() => Items?.Select(item => new Wanted(item.ProductId, item.Quantity)).ToList();
}
