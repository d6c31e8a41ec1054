using Npgsql;
using Tenfold.Postgres.Routing;

namespace Tenfold.Postgres;

public sealed partial class PostgresStore
{
    /// <summary>An open connection to the primary. Dispose it. Waits for a new primary when the last one has gone.</summary>
    /// <param name="caller">Who writes: its reads go to the primary from now on, until its token is taken.</param>
    /// <param name="cancel">Ends the wait for a connection.</param>
    /// <exception cref="PostgresStoreException">Busy: no connection within the pool's wait. NoPrimary: none within <see cref="PostgresOptions.FailoverWait"/>.</exception>
    /// <exception cref="NpgsqlException">The only server cannot be reached, or refuses the connection.</exception>
    public ValueTask<NpgsqlConnection> OpenWriterAsync(Caller? caller, CancellationToken cancel)
    {
        caller?.Writes(this);
        return _single ? _router.Nodes[0].Writer.OpenAsync(cancel) : OpenPrimaryAsync(reads: false, cancel);
    }

    /// <summary>
    /// An open, read-only connection that the caller may read from. Dispose it. A replica that has all that the caller has
    /// written; one that needs only a moment for that is waited for (<see cref="PostgresOptions.CatchUp"/>); else the primary, in
    /// the half of its connections that is for readers.
    /// </summary>
    /// <param name="caller">Who reads; for nobody in particular every replica within the lag limit will do.</param>
    /// <param name="cancel">Ends the wait for a connection.</param>
    /// <exception cref="PostgresStoreException">Busy: no connection within the pool's wait. NoPrimary: no server can serve the read.</exception>
    /// <exception cref="NpgsqlException">The only server cannot be reached, or refuses the connection.</exception>
    public ValueTask<NpgsqlConnection> OpenReaderAsync(Caller? caller, CancellationToken cancel)
    {
        if (_single)
        {
            Interlocked.Increment(ref _primaryReads);
            return _router.Nodes[0].PrimaryReader.OpenAsync(cancel);
        }

        var view = _router.View;
        var index = Choose(view, caller, out var need);
        if (index < 0)
        {
            return OpenFitAsync(caller, need, cancel);
        }

        var opening = view.Replicas[index].ReplicaReader.OpenAsync(cancel);
        if (!opening.IsCompletedSuccessfully)
        {
            return OpenReplicaAsync(opening, view.Replicas[index], caller, cancel);
        }

        Interlocked.Increment(ref _replicaReads);
        return new(opening.Result);
    }

    private async ValueTask<NpgsqlConnection> OpenReplicaAsync(ValueTask<NpgsqlConnection> opening, Node replica, Caller? caller, CancellationToken cancel)
    {
        for (var tried = 1; ; tried++)
        {
            try
            {
                var connection = await opening;
                Interlocked.Increment(ref _replicaReads);
                return connection;
            }
            catch (Exception e) when (Failures.IsLost(e))
            {
                replica.Lost(e);
            }

            var view = _router.View;
            var index = Choose(view, caller, out _);
            if (index < 0 || tried >= view.Replicas.Length)
            {
                return await OpenPrimaryAsync(reads: true, cancel);
            }

            replica = view.Replicas[index];
            opening = replica.ReplicaReader.OpenAsync(cancel);
        }
    }

    // No replica is known to be fit: it may be by now, or in a moment.
    private async ValueTask<NpgsqlConnection> OpenFitAsync(Caller? caller, ReadToken? need, CancellationToken cancel)
    {
        var view = _router.View;
        if (view.Primary is null)
        {
            await PrimaryAsync(_time.GetTimestamp(), null, cancel);
            view = _router.View;
        }

        if (caller?.Writing(this) != true && Array.IndexOf(view.Online, true) >= 0)
        {
            if (caller?.SeesEverything == true && view.Primary is { } primary)
            {
                // As etcd's ReadIndex: where the primary is now is all that was committed before this read began.
                need = (await primary.AskAsync())?.Token;
            }

            if (need is { } token && await CaughtUpAsync(token, cancel) is { } replica)
            {
                return await OpenReplicaAsync(replica.ReplicaReader.OpenAsync(cancel), replica, caller is { SeesEverything: true } ? null : caller, cancel);
            }
        }

        return await OpenPrimaryAsync(reads: true, cancel);
    }

    private async ValueTask<Node?> CaughtUpAsync(ReadToken need, CancellationToken cancel)
    {
        var started = _time.GetTimestamp();
        while (true)
        {
            var view = _router.View;
            if (view.Choose(need, _options.ReplicaLag, _router.Next()) is >= 0 and var index)
            {
                return view.Replicas[index];
            }

            if (_time.GetElapsedTime(started) >= _options.CatchUp || !view.MayCatchUp(need, _options.CatchUp))
            {
                return null;
            }

            // One of those that may: the answer is shared by all who wait for it.
            var asked = view.Choose(null, _options.ReplicaLag, _router.Next());
            if (asked < 0 || await view.Replicas[asked].AskAsync() is not { } said)
            {
                return null;
            }

            if (said.Lsn < (ulong)need.Lsn)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(1), _time, cancel);
            }
        }
    }

    private async ValueTask<NpgsqlConnection> OpenPrimaryAsync(bool reads, CancellationToken cancel)
    {
        if (reads)
        {
            Interlocked.Increment(ref _primaryReads);
        }

        var since = _time.GetTimestamp();
        Node? failed = null;
        while (true)
        {
            var primary = await PrimaryAsync(since, failed, cancel);
            try
            {
                return await (reads ? primary.PrimaryReader : primary.Writer).OpenAsync(cancel);
            }
            catch (Exception e) when (Failures.IsLost(e))
            {
                // Nothing was sent: the next primary may have it.
                failed = primary;
                primary.Lost(e);
                await _router.LookAsync();
                if (_time.GetElapsedTime(since) >= _options.FailoverWait)
                {
                    throw NoPrimary(e);
                }
            }
        }
    }
}
