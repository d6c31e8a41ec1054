using System.Threading.Channels;
using Npgsql;
using Npgsql.Replication;
using Npgsql.Replication.PgOutput;
using Npgsql.Replication.PgOutput.Messages;
using NpgsqlTypes;
using Tenfold.Postgres.Shards;

namespace Tenfold.Postgres.Moves;

/// <summary>
/// Follows the source's changes of the buckets that are moved, and gives them to a receiver, transaction by transaction, from the
/// position on that the receiver says. A marker written into the source's log tells when everything before it has arrived: a gauge of
/// lag cannot.
/// </summary>
internal sealed class MoveStream : IAsyncDisposable
{
    private const string MarkerPrefix = "tenfold-move";

    private readonly NpgsqlConnection _source;
    private readonly LogicalReplicationConnection _replication;
    private readonly MoveRecord _move;
    private readonly IChangeReceiver _receiver;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<string> _markers = Channel.CreateBounded<string>(new BoundedChannelOptions(16) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly Task _loop;

    private MoveStream(NpgsqlConnection source, LogicalReplicationConnection replication, MoveRecord move, IChangeReceiver receiver)
    {
        (_source, _replication, _move, _receiver) = (source, replication, move, receiver);
        _loop = Task.Run(RunAsync);
    }

    /// <param name="source">To the source, for markers; used by this stream and its owner in turn.</param>
    /// <param name="replication">To the source; the stream's own from now on.</param>
    /// <param name="move">Whose slot and publication.</param>
    /// <param name="receiver">Takes the changes.</param>
    public static MoveStream Start(NpgsqlConnection source, LogicalReplicationConnection replication, MoveRecord move, IChangeReceiver receiver) => new(source, replication, move, receiver);

    /// <summary>Returns when everything that was committed at the source before the call has been received.</summary>
    /// <exception cref="ShardException">The stream has failed.</exception>
    public async Task SyncAsync(CancellationToken cancel)
    {
        var marker = Guid.NewGuid().ToString("N");
        // In a transaction of its own, so that it is flushed, and comes in the order of commits.
        await Sql.ExecuteAsync(_source, "SELECT pg_logical_emit_message(true, $1, $2::text)", cancel, MarkerPrefix, $"{_move.Id}:{marker}");
        try
        {
            await foreach (var passed in _markers.Reader.ReadAllAsync(cancel))
            {
                if (passed == $"{_move.Id}:{marker}")
                {
                    return;
                }
            }
        }
        catch (ChannelClosedException)
        {
            // said below
        }

        await _loop;
        throw new ShardException(ShardFailure.Move, $"move {_move.Id}: the stream of changes has ended; run the move again, it goes on from here");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _replication.DisposeAsync();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await ReceiveAsync(_stop.Token);
            _markers.Writer.TryComplete();
        }
        catch (Exception e)
        {
            _markers.Writer.TryComplete(e is OperationCanceledException || e is ShardException ? e : new ShardException(ShardFailure.Move, $"move {_move.Id}: following the source's changes failed: {e.Message}", e));
            throw;
        }
    }

    private async Task ReceiveAsync(CancellationToken cancel)
    {
        var options = new PgOutputReplicationOptions(_move.ObjectName, PgOutputProtocolVersion.V1, messages: true);
        var from = await _receiver.BeginAsync(cancel);
        await using var messages = _replication.StartReplication(new PgOutputReplicationSlot(_move.ObjectName), options, cancel, from).GetAsyncEnumerator(cancel);
        var markers = new List<string>();
        while (true)
        {
            var next = messages.MoveNextAsync();
            if (_receiver.HasUncommitted && !_receiver.IsInTransaction && !next.IsCompleted)
            {
                // Nothing more has arrived: what has is committed now; as long as more comes it is committed together.
                try
                {
                    await CommitAsync(markers, cancel);
                }
                catch
                {
                    // The stream must not be disposed of while it waits for a message.
                    await _stop.CancelAsync();
                    await ((Task)next.AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    throw;
                }
            }

            if (!await next)
            {
                return;
            }

            switch (messages.Current)
            {
                case LogicalDecodingMessage { Prefix: MarkerPrefix } marker:
                    using (var text = new StreamReader(marker.Data))
                    {
                        markers.Add(await text.ReadToEndAsync(cancel));
                    }

                    break;
                case CommitMessage commit:
                    _receiver.EndTransaction(commit.TransactionEndLsn);
                    break;
                default:
                    await _receiver.ReceiveAsync(messages.Current, cancel);
                    break;
            }

            if (_receiver.IsFull && !_receiver.IsInTransaction)
            {
                await CommitAsync(markers, cancel);
            }
        }
    }

    private async Task CommitAsync(List<string> markers, CancellationToken cancel)
    {
        var applied = await _receiver.CommitAsync(cancel);
        _replication.SetReplicationStatus(applied);
        foreach (var marker in markers)
        {
            await _markers.Writer.WriteAsync(marker, cancel);
        }

        markers.Clear();
    }
}

/// <summary>What takes the source's changes.</summary>
internal interface IChangeReceiver
{
    /// <summary>Whether anything was received since the last commit.</summary>
    bool HasUncommitted { get; }

    /// <summary>Whether it is amid a transaction of the source.</summary>
    bool IsInTransaction { get; }

    /// <summary>Whether to commit before more is received.</summary>
    bool IsFull { get; }

    /// <summary>The position from which on it wants changes.</summary>
    ValueTask<NpgsqlLogSequenceNumber> BeginAsync(CancellationToken cancel);

    ValueTask ReceiveAsync(PgOutputReplicationMessage message, CancellationToken cancel);

    void EndTransaction(NpgsqlLogSequenceNumber end);

    /// <returns>The position up to which everything is safe.</returns>
    ValueTask<NpgsqlLogSequenceNumber> CommitAsync(CancellationToken cancel);
}
