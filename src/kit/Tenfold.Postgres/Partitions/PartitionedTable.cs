namespace Tenfold.Postgres.Partitions;

/// <summary>A table in range partitions by date, and what is to be done about them. Immutable.</summary>
public sealed record PartitionedTable
{
    /// <summary>Its name, with its schema if that is not on the search path: <c>orders</c>, <c>shop.orders</c>.</summary>
    public required string Table { get; init; }

    /// <summary>The column that it is partitioned by: a <c>timestamptz</c>, <c>timestamp</c> or <c>date</c>; the latter two are taken as UTC.</summary>
    public required string By { get; init; }

    /// <summary>What one partition holds, in UTC; weeks begin on Monday.</summary>
    public required PartitionPeriod Every { get; init; }

    /// <summary>How many partitions there are after the present one. Default 3.</summary>
    public int Ahead { get; init; } = 3;

    /// <summary>How long rows are kept at least: a partition that ended longer ago is detached and dropped. Default: for good.</summary>
    public TimeSpan? Keep { get; init; }

    /// <summary>Folder for a file (CSV with a header, gzip) of each partition before it is dropped. Default: it is dropped without one.</summary>
    public string? Archive { get; init; }
}

/// <summary>A period of the calendar.</summary>
public enum PartitionPeriod
{
    Day,
    Week,
    Month,
    Year,
}

/// <summary>How the partitions of one database are kept. Immutable.</summary>
public sealed record PartitionOptions
{
    /// <summary>The database's name, in logs and as a folder of archives.</summary>
    public required string Name { get; init; }

    /// <summary>Of a role that owns the tables. Several hosts: the primary among them. Not through a PgBouncer in transaction mode, which keeps no session locks.</summary>
    public required string ConnectionString { get; init; }

    /// <summary>The tables.</summary>
    public required IReadOnlyList<PartitionedTable> Tables { get; init; }

    /// <summary>How long a change of a table waits for a lock at a time; others queue behind it for so long. Default 2 s.</summary>
    public TimeSpan LockWait { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often a change is tried before it is left to the next run. Default 5.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>How long one statement, or the archive of one partition, may take. Default 1 h.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromHours(1);
}

/// <summary>What a run has done, partitions and files by their names.</summary>
/// <param name="IsElsewhere">Nothing, because another instance is at it.</param>
/// <param name="Made">Partitions made.</param>
/// <param name="Archived">Files written.</param>
/// <param name="Dropped">Partitions dropped.</param>
/// <param name="Failures">What could not be done, and is tried again by the next run.</param>
public sealed record PartitionReport(bool IsElsewhere, IReadOnlyList<string> Made, IReadOnlyList<string> Archived, IReadOnlyList<string> Dropped, IReadOnlyList<string> Failures);

/// <summary>A table that cannot be kept in partitions as it is; the message says why and what to do.</summary>
public sealed class PartitionException(string message) : Exception(message);
