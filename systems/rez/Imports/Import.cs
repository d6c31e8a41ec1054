using System.Globalization;
using System.Text.Json.Serialization;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Rez.Imports;

/// <summary>An import as clients see it.</summary>
/// <param name="Id">It holds the merchant's bucket. A string: JavaScript's numbers hold 53 bits.</param>
/// <param name="MerchantId">Whose products.</param>
/// <param name="State">uploading, waiting, running, completed or failed.</param>
/// <param name="Format">csv or ndjson.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Rows">Products in the file, right or wrong.</param>
/// <param name="Done">Of these: created, updated, unchanged and rejected.</param>
/// <param name="Created">New products.</param>
/// <param name="Updated">Products that were changed.</param>
/// <param name="Unchanged">Products that were as the file says.</param>
/// <param name="Rejected">Lines that were wrong.</param>
/// <param name="CreatedAt">When the upload began.</param>
/// <param name="ReceivedAt">When the file was whole.</param>
/// <param name="StartedAt">When a worker began.</param>
/// <param name="EndedAt">When everything was in the catalogue, or it failed.</param>
internal sealed record Import(
    string Id, int MerchantId, string State, string Format, long Bytes, int Rows, int Done, int Created, int Updated, int Unchanged, int Rejected,
    DateTimeOffset CreatedAt, DateTimeOffset? ReceivedAt, DateTimeOffset? StartedAt, DateTimeOffset? EndedAt)
{
    /// <summary>Where its progress is.</summary>
    public string Events => $"/api/imports/{Id}/events";

    /// <summary>Why it has failed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Problem { get; init; }

    /// <summary>The first wrong lines; only of a single import.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImportError[]? Errors { get; init; }

    /// <summary>Counts its changes: the id of an event.</summary>
    [JsonIgnore]
    public long Changes { get; init; }

    /// <summary>SHA-256 of the file.</summary>
    [JsonIgnore]
    public byte[]? Sha256 { get; init; }

    [JsonIgnore]
    public ShardId Number => new(long.Parse(Id, CultureInfo.InvariantCulture));

    [JsonIgnore]
    public bool HasEnded => State is "completed" or "failed";

    internal const string Columns = "id, merchant_id, state, format, bytes, rows, created, updated, unchanged, rejected, created_at, received_at, started_at, ended_at, problem, changes, sha256";

    internal static Import Read(NpgsqlDataReader row) => new(
        new ShardId(row.GetInt64(0)).ToString(), row.GetInt32(1), row.GetString(2), row.GetString(3), row.GetInt64(4), row.GetInt32(5),
        row.GetInt32(6) + row.GetInt32(7) + row.GetInt32(8) + row.GetInt32(9), row.GetInt32(6), row.GetInt32(7), row.GetInt32(8), row.GetInt32(9),
        row.GetFieldValue<DateTimeOffset>(10), Time(row, 11), Time(row, 12), Time(row, 13))
    {
        Problem = row.IsDBNull(14) ? null : row.GetString(14),
        Changes = row.GetInt64(15),
        Sha256 = row.IsDBNull(16) ? null : row.GetFieldValue<byte[]>(16),
    };

    private static DateTimeOffset? Time(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
}

/// <summary>A line that was wrong, and why.</summary>
internal sealed record ImportError(int Line, string Message);

/// <summary>Imports of a merchant, the newest first.</summary>
internal sealed record ListOfImports(bool Success, Import[] Data);
