using Npgsql;
using Tenfold.Postgres.Routing;

namespace Tenfold.Postgres;

public sealed partial class PostgresStore
{
    private const int MostAttempts = 4;

    /// <summary>
    /// Reads, and reads again where that may help: a replica that cancelled the read because it stood in the way of replay, or
    /// that was lost, is followed by another server.
    /// </summary>
    /// <param name="caller">Who reads.</param>
    /// <param name="state">Handed to <paramref name="read"/>.</param>
    /// <param name="read">Reads from the connection. It may be called again from the start, up to four times in all.</param>
    /// <param name="cancel">Ends it.</param>
    /// <exception cref="PostgresStoreException">Busy, NoPrimary, or WriteThroughReader: <paramref name="read"/> has tried to write.</exception>
    /// <exception cref="NpgsqlException">What PostgreSQL refused, or the last attempt's lost connection.</exception>
    public async ValueTask<T> ReadAsync<TState, T>(Caller? caller, TState state, Func<NpgsqlConnection, TState, CancellationToken, ValueTask<T>> read, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(read);
        for (var attempt = 1; ; attempt++)
        {
            // The last attempt is the primary's.
            await using var connection = attempt < MostAttempts ? await OpenReaderAsync(caller, cancel) : await OpenPrimaryAsync(reads: true, cancel);
            try
            {
                return await read(connection, state, cancel);
            }
            catch (Exception e) when (attempt < MostAttempts && Failures.MayReadElsewhere(e))
            {
                if (Failures.IsLost(e))
                {
                    await _router.LookAsync();
                }
            }
            catch (PostgresException e) when (Failures.IsReadOnly(e))
            {
                throw new PostgresStoreException(PostgresFailure.WriteThroughReader, $"Store '{Name}': a write was sent through a reader ({e.MessageText}). Use Writer, OpenWriterAsync or WriteAsync for it.", e);
            }
        }
    }

    /// <summary>
    /// Writes in one transaction, and takes the caller's token after the commit. What surely was not committed (the connection
    /// was lost before the commit was sent, a deadlock, a serialisation failure, a primary that has become a replica) is done again,
    /// on the new primary when there was a failover.
    /// </summary>
    /// <param name="caller">Who writes: its reads go to the primary from now on until the commit, and see the write afterwards.</param>
    /// <param name="state">Handed to <paramref name="write"/>.</param>
    /// <param name="write">Writes on the connection, which is in a transaction. It may be called again from the start, so it must have no other effects.</param>
    /// <param name="cancel">Ends it; what was not committed is rolled back.</param>
    /// <exception cref="PostgresStoreException">Unknown: the connection was lost while the commit was under way. Busy; NoPrimary.</exception>
    /// <exception cref="NpgsqlException">What PostgreSQL refused: nothing was committed.</exception>
    public async ValueTask<T> WriteAsync<TState, T>(Caller? caller, TState state, Func<NpgsqlConnection, TState, CancellationToken, ValueTask<T>> write, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(write);
        var wasWriting = caller?.Writing(this) == true;
        var since = _time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            var isSent = false;
            await using var connection = await OpenWriterAsync(caller, cancel);
            try
            {
                await using var transaction = await connection.BeginTransactionAsync(cancel);
                var result = await write(connection, state, cancel);
                isSent = true;
                await transaction.CommitAsync(CancellationToken.None); // cancelled half-way, its outcome would not be known
                if (caller is not null)
                {
                    await TakeTokenAsync(caller, connection, wasWriting);
                }

                return result;
            }
            catch (Exception e) when (isSent && e is NpgsqlException or IOException && !Failures.IsRefusal(e))
            {
                throw new PostgresStoreException(
                    PostgresFailure.Unknown, $"Store '{Name}': the connection was lost while a transaction was being committed; it may be committed or not. Ask before doing it again.", e);
            }
            catch (Exception e) when (IsWorthAnother(e, attempt, since))
            {
                if (!Failures.IsRolledBack(e))
                {
                    await _router.LookAsync();
                    await Task.Delay(_options.PollEvery, _time, cancel);
                }
            }
        }
    }

    // A lost server is asked for until FailoverWait is over; a conflict with other transactions is tried a few times.
    private bool IsWorthAnother(Exception e, int attempt, long since) =>
        Failures.IsRolledBack(e) ? attempt < MostAttempts : (Failures.IsLost(e) || Failures.IsReadOnly(e)) && _time.GetElapsedTime(since) < _options.FailoverWait;

    private async ValueTask TakeTokenAsync(Caller caller, NpgsqlConnection connection, bool wasWriting)
    {
        if (_single)
        {
            caller.Written(this, null, wasWriting); // the one server has everything
            return;
        }

        try
        {
            caller.Written(this, await ReadToken.TakeAsync(connection, CancellationToken.None), wasWriting);
        }
        catch (NpgsqlException)
        {
            // Committed all the same: the caller stays with the primary.
        }
    }
}
