using System.Runtime.InteropServices;
using Tenfold.Postgres.Shards;

namespace Rez.Seed;

/// <summary>An account: its number, from 1, stands in a customer's e-mail address, its bucket in the id.</summary>
internal readonly record struct AccountRow(int Number, ShardId Id, string Email, string? Phone, string Name, string Role, int? ActsFor, DateTime CreatedAt);

/// <summary>An order: its index, from 0; its customer's number; the id, which holds the customer's bucket.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct OrderRow(int Index, int Customer, ShardId Id, OrderKind Kind, DateTime PlacedAt);

/// <summary>A line: the index of its product.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct LineRow(int Product, int Merchant, int Quantity, int PriceCents);

/// <summary>A review: the indexes of its order and product, and the line's place in the order.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ReviewRow(int Order, int Line, int Product, int Rating, bool IsShown, DateTime CreatedAt);

/// <summary>What became of an order, how many lines it has, how many of these were reviewed, and what happened to it.</summary>
internal sealed record OrderKind(string Status, int Lines, int Reviews, OrderEvent[] Events)
{
    /// <summary>Null when it was not.</summary>
    public TimeSpan? ShippedAfter { get; } = Array.Find(Events, happened => happened.Kind == "order.shipped")?.After;
}

/// <summary>Such as <c>order.paid</c>, by user, merchant, admin or system, so long after the order was placed.</summary>
internal sealed record OrderEvent(string Kind, string By, TimeSpan After);

/// <summary>Ids of rows that were there before the shop was: as if an instance of their own number had made them.</summary>
internal static class SeedId
{
    // docs/shards.md: milliseconds · 10 bits of bucket · 7 bits of instance · 5 bits of sequence
    private const int BucketShift = 12;
    private const long Instance = 127 << 5;

    /// <param name="at">Unlike that of any other row of the table with the same bucket and sequence.</param>
    /// <param name="bucket">The row's bucket.</param>
    /// <param name="sequence">0 to 31.</param>
    public static ShardId Of(DateTime at, int bucket, int sequence = 0) => new(ShardId.FirstAt(new DateTimeOffset(at)).Value | ((long)bucket << BucketShift) | Instance | (long)sequence);
}
