using System.Net;

namespace Tenfold.Redis.Cluster;

/// <summary>Slots from first to last, and the primary that has them.</summary>
internal readonly record struct SlotRange(int First, int Last, EndPoint Primary)
{
    /// <summary>The answer to CLUSTER SLOTS.</summary>
    /// <exception cref="RedisException">It is no such answer, or names no slots.</exception>
    public static List<SlotRange> Parse(RedisReply reply, EndPoint from)
    {
        var ranges = new List<SlotRange>();
        foreach (var item in reply.Items.Span)
        {
            var parts = item.Items.Span;
            var primary = parts.Length > 2 ? parts[2].Items.Span : default;
            if (primary.Length < 2)
            {
                throw new RedisException($"{from} answered CLUSTER SLOTS with a range of {parts.Length} parts.");
            }

            var (first, last, port) = (parts[0].Integer, parts[1].Integer, primary[1].Integer);
            // A node that does not know its own address yet leaves the host out.
            var to = Redirection.ParseAddress(primary[0].Text ?? "", (int)port, from);
            if (first < 0 || last < first || last >= HashSlot.Count || port is < 1 or > 65535 || to is null)
            {
                throw new RedisException($"{from} answered CLUSTER SLOTS with slots {first} to {last} at port {port}.");
            }

            ranges.Add(new SlotRange((int)first, (int)last, to));
        }

        return ranges.Count > 0 ? ranges : throw new RedisException($"The cluster that {from} belongs to has no slots yet.");
    }
}
