using System.Globalization;

namespace Tenfold.Postgres.Partitions;

/// <summary>Which partitions there should be. Pure.</summary>
internal static class PartitionPlan
{
    /// <summary>The beginning of the period that a time is in.</summary>
    public static DateTime Floor(DateTime at, PartitionPeriod every) => every switch
    {
        PartitionPeriod.Day => at.Date,
        PartitionPeriod.Week => at.Date.AddDays(-(((int)at.DayOfWeek + 6) % 7)),
        PartitionPeriod.Month => new DateTime(at.Year, at.Month, 1, 0, 0, 0, DateTimeKind.Utc),
        _ => new DateTime(at.Year, 1, 1, 0, 0, 0, DateTimeKind.Utc),
    };

    /// <summary>The beginning of the period so many after the one that begins then.</summary>
    public static DateTime Add(DateTime start, PartitionPeriod every, int count) => every switch
    {
        PartitionPeriod.Day => start.AddDays(count),
        PartitionPeriod.Week => start.AddDays(7 * count),
        PartitionPeriod.Month => start.AddMonths(count),
        _ => start.AddYears(count),
    };

    /// <summary>
    /// What is to be made: the periods from the one before the present (for rows that come late) to the last one ahead, less what
    /// partitions of whatever size cover already, and nothing that would have to be dropped at once.
    /// </summary>
    public static List<PartitionRange> Missing(PartitionedTable table, IEnumerable<PartitionRange> existing, DateTime now)
    {
        var present = Floor(now, table.Every);
        var wanted = Enumerable.Range(-1, table.Ahead + 2).Select(i => new PartitionRange(Add(present, table.Every, i), Add(present, table.Every, i + 1)));
        return [.. Uncovered(wanted, existing).Where(range => !IsOver(table, range, now))];
    }

    /// <summary>What of some ranges is in none of the existing ones.</summary>
    public static IEnumerable<PartitionRange> Uncovered(IEnumerable<PartitionRange> wanted, IEnumerable<PartitionRange> existing)
    {
        PartitionRange[] covered = [.. existing.OrderBy(range => range.From)];
        foreach (var range in wanted)
        {
            var from = range.From;
            foreach (var one in covered.Where(one => one.To > range.From && one.From < range.To))
            {
                if (from < one.From)
                {
                    yield return new(from, one.From);
                }

                from = one.To;
            }

            if (from < range.To)
            {
                yield return new(from, range.To);
            }
        }
    }

    /// <summary>Whether all its rows are older than they have to be kept.</summary>
    public static bool IsOver(PartitionedTable table, PartitionRange range, DateTime now) => table.Keep is { } keep && range.To < DateTime.MaxValue && now - range.To >= keep;

    /// <summary><c>orders_p202611</c>; with day and time where the partition begins inside a period.</summary>
    public static string Name(string table, PartitionPeriod every, DateTime from)
    {
        var format = from != Floor(from, every) ? from == from.Date ? "yyyyMMdd" : "yyyyMMdd'T'HHmmss" : every switch
        {
            PartitionPeriod.Year => "yyyy",
            PartitionPeriod.Month => "yyyyMM",
            _ => "yyyyMMdd",
        };
        return $"{table}_p{from.ToString(format, CultureInfo.InvariantCulture)}";
    }
}
