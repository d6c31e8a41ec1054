using Npgsql;

namespace Tenfold.Jobs.Claiming;

/// <summary>A job that this worker holds, as it was claimed.</summary>
internal sealed record Claimed
{
    public required long Id { get; init; }

    public required string Queue { get; init; }

    public required short Lane { get; init; }

    public required string Kind { get; init; }

    public required byte[] Payload { get; init; }

    public required DateTime EnqueuedAt { get; init; }

    /// <summary>What is left until its deadline, by the database's clock at the claim; null for none.</summary>
    public required TimeSpan? Left { get; init; }

    public required short? Attempts { get; init; }

    /// <summary>The fence: only this run may end the job.</summary>
    public required int Run { get; init; }

    /// <summary>The worker's number at the claim. Part of the fence: after a crash of the server a job may get the same run again.</summary>
    public required long Worker { get; init; }

    public required short Failures { get; init; }

    public required short Deaths { get; init; }

    public required bool IsKeyed { get; init; }

    public required bool IsUnique { get; init; }

    public required long? Batch { get; init; }

    /// <summary>Where it stood in its lane.</summary>
    public required long Place { get; init; }

    /// <summary>Whether other rows must be told when it ends; that others wait for it shows only then.</summary>
    public bool IsPlain => !IsKeyed && !IsUnique && Batch is null;

    public static Claimed Read(NpgsqlDataReader row, string queue, long place, long worker) => new()
    {
        Id = row.GetInt64(0),
        Queue = queue,
        Lane = row.GetInt16(1),
        Kind = row.GetString(2),
        Payload = row.GetFieldValue<byte[]>(3),
        EnqueuedAt = row.GetDateTime(4),
        Left = row.IsDBNull(5) ? null : TimeSpan.FromSeconds(row.GetDouble(5)),
        Attempts = row.IsDBNull(6) ? null : row.GetInt16(6),
        Run = row.GetInt32(7),
        Failures = row.GetInt16(8),
        Deaths = row.GetInt16(9),
        IsKeyed = row.GetBoolean(10),
        IsUnique = row.GetBoolean(11),
        Batch = row.IsDBNull(12) ? null : row.GetInt64(12),
        Place = place,
        Worker = worker,
    };
}
