using System.Globalization;
using Tenfold.Cli.Edge;
using Tenfold.Postgres.Shards;

namespace Tenfold.Cli.Sharding;

/// <summary>Buckets as they are typed: <c>5</c>, <c>3,7,10-20</c>.</summary>
internal static class BucketList
{
    /// <exception cref="UsageException">It is something else.</exception>
    public static IReadOnlyList<int> Parse(string text)
    {
        var buckets = new SortedSet<int>();
        foreach (var part in text.Split(','))
        {
            var ends = part.Split('-');
            if (ends.Length > 2 || !TryParse(ends[0], out var first) || !TryParse(ends[^1], out var last) || last < first)
            {
                throw new UsageException($"'{part}' is no bucket and no range of buckets (they are numbered from 0, up to {BucketScheme.Most - 1}); write them as 5 or 3,7,10-20");
            }

            buckets.UnionWith(Enumerable.Range(first, last - first + 1));
        }

        return [.. buckets];
    }

    private static bool TryParse(string text, out int bucket) =>
        int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out bucket) && bucket < BucketScheme.Most;
}
