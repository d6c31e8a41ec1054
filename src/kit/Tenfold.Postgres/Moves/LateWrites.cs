using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;

namespace Tenfold.Postgres.Moves;

/// <summary>Counts changes that came to the source after it was closed: made by statements that did not hold their bucket.</summary>
internal sealed class LateWrites(NpgsqlLogSequenceNumber from) : IChangeReceiver
{
    public int Count { get; private set; }

    /// <summary>A table that they were made in.</summary>
    public string? Table { get; private set; }

    public bool HasUncommitted { get; private set; }

    public bool IsInTransaction { get; private set; }

    public bool IsFull => false;

    public ValueTask<NpgsqlLogSequenceNumber> BeginAsync(CancellationToken cancel) => new(from);

    public ValueTask ReceiveAsync(PgOutputReplicationMessage message, CancellationToken cancel)
    {
        IsInTransaction |= message is BeginMessage;
        var relation = message switch
        {
            InsertMessage insert => insert.Relation,
            UpdateMessage update => update.Relation,
            DeleteMessage delete => delete.Relation,
            TruncateMessage truncate => truncate.Relations[0],
            _ => null,
        };
        if (relation is not null)
        {
            Count++;
            Table = relation.RelationName;
        }

        return default;
    }

    public void EndTransaction(NpgsqlLogSequenceNumber end) => (IsInTransaction, HasUncommitted) = (false, true);

    // The slot is not told: a rerun must count them again.
    public ValueTask<NpgsqlLogSequenceNumber> CommitAsync(CancellationToken cancel)
    {
        HasUncommitted = false;
        return new(from);
    }
}
