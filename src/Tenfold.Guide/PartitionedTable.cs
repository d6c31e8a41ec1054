namespace Tenfold.Guide;

/// <summary>A table in range partitions by date; its services' instances keep them, one at a time. Times are UTC.</summary>
public sealed record PartitionedTable
{
    /// <summary>Its name, with its schema where that is not <c>public</c>; the SQL that makes it says <c>PARTITION BY RANGE</c>.</summary>
    public required string Table { get; init; }

    /// <summary>The column that it is partitioned by: <c>timestamptz</c>, <c>timestamp</c> or <c>date</c>.</summary>
    public required string By { get; init; }

    /// <summary>What one partition holds; weeks begin on Monday.</summary>
    public required CalendarPeriod Every { get; init; }

    /// <summary>Partitions made after the present one. Default 3.</summary>
    [Between("1", "1k")]
    public int Ahead { get; init; } = 3;

    /// <summary>How long rows are kept at least; a partition that ended longer ago is dropped. Nothing said: for good.</summary>
    [Between("1h", "36500d")]
    public TimeSpan? Keep { get; init; }

    /// <summary>Folder, relative to the guide, for a file of each partition before it is dropped (CSV, gzip).</summary>
    public string? Archive { get; init; }
}

/// <summary>Periods of the calendar.</summary>
public enum CalendarPeriod
{
    Day,
    Week,
    Month,
    Year,
}
