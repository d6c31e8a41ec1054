using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Tenfold.Jobs.Databases;
using Tenfold.Jobs.Running;
using Tenfold.Jobs.Schema;
using Tenfold.Postgres;

namespace Tenfold.Jobs.Living;

/// <summary>
/// A worker's row in a database: it says every second that it lives, and hears then which of its jobs are to be cancelled. Others that
/// have not said so for too long are presumed dead, and their jobs are given to others. All of this, and hearing of new jobs, is done on a connection
/// that is kept: handlers that use up the pool must not make their worker look dead.
/// </summary>
internal sealed partial class WorkerRow(JobDatabase database, WorkerSettings settings, HeldRuns held, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan BeatLimit = TimeSpan.FromSeconds(3);

    private readonly Overdue _overdue = new(time);
    private readonly Housekeeping _housekeeping = new(settings.Options, time);
    private readonly CancellationTokenSource _stop = new();
    private Task _beats = Task.CompletedTask;
    private bool _isStarted;
    private bool _isWell = true;
    private int _stuck;
    private long _id;
    private long _wellSince;

    /// <summary>The worker's number in this database; 0 before it has one, and a new one after it was presumed dead.</summary>
    public long Id => Volatile.Read(ref _id);

    /// <summary>Handlers that do not end although they were told to.</summary>
    public int Stuck => Volatile.Read(ref _stuck);

    private TimeSpan Every => settings.Options.PresumedDead / 5;

    /// <summary>Makes the tables and the row where they are not there yet, and begins to beat.</summary>
    /// <param name="lost">Called when the row is gone: the worker was presumed dead.</param>
    /// <param name="told">Called with each notification: a queue that has got a job.</param>
    /// <param name="cancel">Ends the wait.</param>
    public async Task StartAsync(Action lost, Action<string> told, CancellationToken cancel)
    {
        if (_isStarted)
        {
            return;
        }

        await using var connection = await database.Store.OpenWriterAsync(null, cancel);
        await JobSchema.EnsureAsync(connection, database.Number, cancel);
        await RegisterAsync(connection, cancel);
        _isStarted = true;
        _beats = Task.Run(() => LoopAsync(lost, told), CancellationToken.None);
    }

    /// <summary>Takes leave: what it still holds is others' from now on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _beats;
        _stop.Dispose();
        if (Id == 0)
        {
            return;
        }

        using var limit = new CancellationTokenSource(BeatLimit, time);
        try
        {
            await using var connection = await database.Store.OpenWriterAsync(null, limit.Token);
            await using var command = new NpgsqlCommand("DELETE FROM tenfold.job_workers WHERE id = $1", connection) { Parameters = { new NpgsqlParameter<long> { TypedValue = Id } } };
            await command.ExecuteNonQueryAsync(limit.Token);
        }
        catch (Exception e) when (IsPassing(e))
        {
            // Others will see that it is gone.
        }
    }

    private static bool IsPassing(Exception e) => e is NpgsqlException or PostgresStoreException or IOException or OperationCanceledException or TimeoutException;

    private async Task RegisterAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand("INSERT INTO tenfold.job_workers (name, queues, kinds) VALUES ($1, $2, $3) RETURNING id", connection)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = settings.Name },
                new NpgsqlParameter<string[]> { TypedValue = [.. settings.Queues] },
                new NpgsqlParameter<string[]> { TypedValue = [.. settings.Kinds] },
            },
        };
        Volatile.Write(ref _id, (long)(await command.ExecuteScalarAsync(cancel))!);
        _wellSince = time.GetTimestamp();
    }

    private async Task LoopAsync(Action lost, Action<string> told)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.Store.OpenWriterAsync(null, _stop.Token);
                await using var ear = await Ear.OpenAsync(connection, database.Store.IsPooled, told, time, _stop.Token);
                while (true)
                {
                    await ear.ListenAsync(Every, _stop.Token);
                    await BeatAsync(connection, lost);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // A worker that beats no more is dead to the others: nothing ends this loop but the end of the app.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _isWell = false;
                if (!IsPassing(e))
                {
                    LogBroken(logger, e, database.Number);
                }

                await Task.Delay(Every, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task BeatAsync(NpgsqlConnection connection, Action lost)
    {
        using var limit = new CancellationTokenSource(BeatLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
        var stuck = _overdue.Look(held);
        if (stuck > Interlocked.Exchange(ref _stuck, stuck))
        {
            LogStuck(logger, stuck, Overdue.Grace.TotalSeconds);
        }

        if (Id != 0 && !await TellAsync(connection, stuck, both.Token))
        {
            Interlocked.Exchange(ref _id, 0); // first: what is claimed under the old number and not held yet is dropped by who claims
            lost();
        }

        if (Id == 0)
        {
            await RegisterAsync(connection, both.Token);
        }

        // Whoever could not beat itself must not judge others by their silence.
        _wellSince = _isWell ? _wellSince : time.GetTimestamp();
        _isWell = true;
        if (time.GetElapsedTime(_wellSince) > settings.Options.PresumedDead)
        {
            foreach (var (worker, count) in await Rescue.RunAsync(connection, Id, settings.Options.PresumedDead, both.Token))
            {
                LogRescued(logger, worker, database.Number, count);
            }
        }

        await _housekeeping.RunIfDueAsync(connection, both.Token);
    }

    // False: the row is gone.
    private async Task<bool> TellAsync(NpgsqlConnection connection, int stuck, CancellationToken cancel)
    {
        var reports = held.All.Select(run => (run.Id, Text: run.TakeReport())).Where(report => report.Text is not null).ToArray();
        long[] old = [.. held.All.Where(run => run.StartedAt != 0 && time.GetElapsedTime(run.StartedAt) > Every / 2).Select(run => run.Id)];
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("UPDATE tenfold.job_workers SET beat_at = clock_timestamp(), busy = $2, stuck = $3 WHERE id = $1 RETURNING id")
                {
                    Parameters = { new NpgsqlParameter<long> { TypedValue = Id }, new NpgsqlParameter<int> { TypedValue = held.Count }, new NpgsqlParameter<int> { TypedValue = stuck } },
                },
                new NpgsqlBatchCommand("SELECT id FROM tenfold.jobs_running WHERE id = ANY ($1) AND cancelled AND worker = $2")
                {
                    Parameters = { new NpgsqlParameter<long[]> { TypedValue = old }, new NpgsqlParameter<long> { TypedValue = Id } },
                },
            },
        };
        if (reports.Length > 0)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand(
                "UPDATE tenfold.jobs_running AS job SET progress = told.progress || jsonb_build_object('at', clock_timestamp()) FROM unnest($1::bigint[], $2::jsonb[]) AS told (id, progress) WHERE job.id = told.id AND job.worker = $3")
            {
                Parameters =
                {
                    new NpgsqlParameter<long[]> { TypedValue = [.. reports.Select(report => report.Id)] },
                    new NpgsqlParameter { Value = reports.Select(report => report.Text!).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb },
                    new NpgsqlParameter<long> { TypedValue = Id },
                },
            });
        }

        await using var rows = await batch.ExecuteReaderAsync(cancel);
        var isThere = await rows.ReadAsync(cancel);
        await rows.NextResultAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            held.All.FirstOrDefault(run => run.Id == rows.GetInt64(0))?.Stop(StopReason.Cancelled, time.GetTimestamp());
        }

        return isThere;
    }

    [LoggerMessage(2, LogLevel.Error, "A worker's sign of life in database {Database} has failed; it is tried again")]
    private static partial void LogBroken(ILogger logger, Exception exception, int database);

    [LoggerMessage(3, LogLevel.Error, "{Count} handlers of jobs do not end, {Seconds} s and more after they were told to: they do not heed their cancellation token. Their jobs go on elsewhere; their slots stay taken until they end or this process does")]
    private static partial void LogStuck(ILogger logger, int count, double seconds);

    [LoggerMessage(1, LogLevel.Warning, "Worker {Worker} has given no sign of life in database {Database}; its {Count} jobs are given to others")]
    private static partial void LogRescued(ILogger logger, string worker, int database, int count);
}
