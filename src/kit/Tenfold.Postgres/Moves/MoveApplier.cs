using Npgsql;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>
/// Applies the source's changes at the target, each exactly once: the position that they lead to is written in the same transaction.
/// </summary>
internal sealed class MoveApplier(NpgsqlConnection target, MoveRecord move, IReadOnlyList<ShardedTable> tables) : IChangeReceiver, IAsyncDisposable
{
    private const int Piece = 500; // statements sent together
    private const int Full = 5_000; // statements after which a commit is due

    private readonly List<NpgsqlBatchCommand> _pending = [];
    private NpgsqlTransaction? _transaction;
    private NpgsqlLogSequenceNumber _applied;
    private NpgsqlLogSequenceNumber _received;
    private int _sinceCommit;

    public bool HasUncommitted => _received > _applied || _pending.Count > 0;

    public bool IsInTransaction { get; private set; }

    public bool IsFull => _sinceCommit >= Full;

    public async ValueTask<NpgsqlLogSequenceNumber> BeginAsync(CancellationToken cancel)
    {
        _applied = _received = await AppliedAsync(target, move.Id, cancel)
            ?? throw new ShardException(ShardFailure.Move, $"move {move.Id}: nothing was copied to database {move.Target} yet");
        return _applied;
    }

    /// <summary>How far a move has come at its target; null before its rows were copied.</summary>
    public static async Task<NpgsqlLogSequenceNumber?> AppliedAsync(NpgsqlConnection target, long move, CancellationToken cancel)
    {
        var found = await Sql.ListAsync(target, "SELECT applied FROM tenfold.shard_incoming WHERE move = $1", rows => rows.GetFieldValue<NpgsqlLogSequenceNumber>(0), cancel, move);
        return found is [var applied] ? applied : null;
    }

    public async ValueTask ReceiveAsync(PgOutputReplicationMessage message, CancellationToken cancel)
    {
        switch (message)
        {
            case BeginMessage:
                IsInTransaction = true;
                break;
            case InsertMessage insert:
                Add(await InsertAsync(insert, cancel));
                break;
            case UpdateMessage update:
                Add(await UpdateAsync(update, cancel));
                break;
            case KeyDeleteMessage delete:
                Add(Statement($"DELETE FROM {TableOf(delete.Relation).Sql}", null, await KeyAsync(delete.Relation, delete.Key, cancel)));
                break;
            case FullDeleteMessage delete:
                Add(Statement($"DELETE FROM {TableOf(delete.Relation).Sql}", null, await KeyAsync(delete.Relation, delete.OldRow, cancel)));
                break;
            case TruncateMessage truncate:
                throw new ShardException(ShardFailure.Move, $"move {move.Id}: table {truncate.Relations[0].RelationName} was truncated at the source, which cannot be followed for some buckets only; abandon the move (clean) and begin it again");
            default:
                break; // relations and types are read with the rows that are of them
        }

        if (_pending.Count >= Piece)
        {
            await SendAsync(cancel);
        }
    }

    public void EndTransaction(NpgsqlLogSequenceNumber end)
    {
        IsInTransaction = false;
        _received = end;
    }

    public async ValueTask<NpgsqlLogSequenceNumber> CommitAsync(CancellationToken cancel)
    {
        await SendAsync(cancel);
        if (_transaction is { } transaction)
        {
            await Sql.ExecuteAsync(target, "UPDATE tenfold.shard_incoming SET applied = $2 WHERE move = $1", cancel, move.Id, _received);
            await transaction.CommitAsync(cancel);
            await transaction.DisposeAsync();
            _transaction = null;
        }

        // Transactions without a change for the target need not be remembered: they would come again, and change nothing again.
        (_applied, _sinceCommit) = (_received, 0);
        return _applied;
    }

    public async ValueTask DisposeAsync()
    {
        if (_transaction is not null)
        {
            await _transaction.DisposeAsync();
        }
    }

    private void Add(NpgsqlBatchCommand command)
    {
        _pending.Add(command);
        _sinceCommit++;
    }

    private async Task SendAsync(CancellationToken cancel)
    {
        if (_pending.Count == 0)
        {
            return;
        }

        if (_transaction is null)
        {
            _transaction = await target.BeginTransactionAsync(cancel);
            await MovePreflight.SilenceTriggersAsync(target, tables, cancel);
            // A killed mover's last transaction may still be at work: wait for it, and find out if it got further than we know.
            if (await Sql.ScalarAsync<int>(target, "SELECT 1 FROM tenfold.shard_incoming WHERE move = $1 AND applied <= $2 FOR UPDATE", cancel, move.Id, _applied) != 1)
            {
                throw new ShardException(ShardFailure.Move, $"move {move.Id}: another mover has written to database {move.Target}; run the move again");
            }
        }

        await using var batch = new NpgsqlBatch(target, _transaction);
        foreach (var command in _pending)
        {
            batch.BatchCommands.Add(command);
        }

        await batch.ExecuteNonQueryAsync(cancel);
        foreach (var command in _pending)
        {
            if (command.RecordsAffected != 1)
            {
                throw new ShardException(ShardFailure.Move, $"move {move.Id}: a change of the source met {command.RecordsAffected} rows instead of 1 at database {move.Target} ({command.CommandText}); something else writes to {move.Say()} there: stop it, abandon the move (clean) and begin it again");
            }
        }

        _pending.Clear();
    }

    private ShardedTable TableOf(RelationMessage relation) =>
        tables.FirstOrDefault(table => table.Schema == relation.Namespace && table.Table == relation.RelationName)
        ?? throw new ShardException(ShardFailure.Move, $"move {move.Id}: table {relation.Namespace}.{relation.RelationName} has appeared since the move began; abandon the move (clean) and begin it again");

    private async ValueTask<NpgsqlBatchCommand> InsertAsync(InsertMessage insert, CancellationToken cancel)
    {
        var (table, row) = (TableOf(insert.Relation), await RowAsync(insert.Relation, insert.NewRow, cancel));
        var command = new NpgsqlBatchCommand(
            $"INSERT INTO {table.Sql} ({string.Join(", ", row.Select(value => Sql.Name(value.Column)))}) OVERRIDING SYSTEM VALUE VALUES ({string.Join(", ", Enumerable.Range(1, row.Count).Select(n => $"${n}"))})");
        AddValues(command, row);
        return command;
    }

    private async ValueTask<NpgsqlBatchCommand> UpdateAsync(UpdateMessage update, CancellationToken cancel)
    {
        // The messages are one stream: the old key comes before the new row.
        var old = update switch
        {
            IndexUpdateMessage changed => await KeyAsync(update.Relation, changed.Key, cancel),
            FullUpdateMessage full => await KeyAsync(update.Relation, full.OldRow, cancel),
            _ => null,
        };
        var row = await RowAsync(update.Relation, update.NewRow, cancel);
        var key = KeyOf(TableOf(update.Relation), row);
        // A key that did not change is not set: an identity column that is always generated would refuse it.
        var set = old is null && row.Count > key.Count ? [.. row.Except(key)] : row;
        return Statement($"UPDATE {TableOf(update.Relation).Sql} SET ", set, old ?? key);
    }

    private static NpgsqlBatchCommand Statement(string begin, List<Value>? set, List<Value> key)
    {
        var places = 0;
        var assignments = set is null ? "" : string.Join(", ", set.Select(value => $"{Sql.Name(value.Column)} = ${++places}"));
        var command = new NpgsqlBatchCommand($"{begin}{assignments} WHERE {string.Join(" AND ", key.Select(value => $"{Sql.Name(value.Column)} = ${++places}"))}");
        AddValues(command, [.. set ?? [], .. key]);
        return command;
    }

    // As text of no type: the server reads each as its column's type.
    private static void AddValues(NpgsqlBatchCommand command, List<Value> values)
    {
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { NpgsqlDbType = NpgsqlDbType.Unknown, Value = (object?)value.Text ?? DBNull.Value });
        }
    }

    private async ValueTask<List<Value>> KeyAsync(RelationMessage relation, ReplicationTuple tuple, CancellationToken cancel) => KeyOf(TableOf(relation), await RowAsync(relation, tuple, cancel));

    private static List<Value> KeyOf(ShardedTable table, List<Value> row) =>
        [.. row.Where(value => value.Column == ShardedTable.BucketColumn || table.Key.Any(column => column.Name == value.Column))];

    // Columns that were not sent (large values that did not change) are left out.
    private static async ValueTask<List<Value>> RowAsync(RelationMessage relation, ReplicationTuple tuple, CancellationToken cancel)
    {
        var row = new List<Value>(tuple.NumColumns);
        var at = 0;
        await foreach (var value in tuple.WithCancellation(cancel))
        {
            var column = relation.Columns[at++].ColumnName;
            if (value.IsUnchangedToastedValue)
            {
                continue;
            }

            row.Add(new Value(column, value.IsDBNull ? null : await value.Get<string>(cancel)));
        }

        return row;
    }

    private readonly record struct Value(string Column, string? Text);
}
