using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Tenfold.Jobs.Databases;
using Tenfold.Jobs.Running;
using Tenfold.Jobs.Schema;
using Tenfold.Postgres;

namespace Tenfold.Jobs.Living;

/// <summary>
/// A worker's row in a database: it says every second that it lives, and hears then which of its jobs are to be cancelled. This, and hearing of
/// new jobs, is done on a connection that is kept: handlers that use up the pool must not make their worker look dead. What may take long is the
/// affair of its <see cref="Keeper"/>.
/// </summary>
internal sealed partial class WorkerRow(JobDatabase database, WorkerSettings settings, HeldRuns held, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan LongestLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ShortestLimit = TimeSpan.FromMilliseconds(500);

    private readonly Overdue _overdue = new(time);
    private readonly Pulse _pulse = new(time, settings.Options.PresumedDead);
    private readonly CancellationTokenSource _stop = new();
    private Keeper? _keeper;
    private Task _beats = Task.CompletedTask;
    private bool _isStarted;
    private int _stuck;
    private long _id;
    private HashSet<long> _heldBefore = [];
    private Dictionary<long, string> _untold = []; // progress whose row somebody held

    /// <summary>The worker's number in this database; 0 before it has one, and a new one after it was presumed dead.</summary>
    public long Id => Volatile.Read(ref _id);

    /// <summary>Handlers that do not end although they were told to.</summary>
    public int Stuck => Volatile.Read(ref _stuck);

    /// <summary>Whether it may judge others by their silence.</summary>
    public bool MayJudge => _pulse.MayJudge;

    private TimeSpan PresumedDead => settings.Options.PresumedDead;

    private TimeSpan Every => PresumedDead / 5;

    // A beat that takes longer is tried again on another connection before others presume it dead.
    private TimeSpan BeatLimit => TimeSpan.FromTicks(Math.Clamp((PresumedDead / 2).Ticks, ShortestLimit.Ticks, LongestLimit.Ticks));

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
        _keeper = new Keeper(database, settings, this, time, logger);
    }

    /// <summary>Takes leave: what it still holds is others' from now on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _beats;
        await (_keeper?.DisposeAsync() ?? ValueTask.CompletedTask);
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

    /// <summary>Whether it is the database's or the network's fault, and may be gone the next time.</summary>
    internal static bool IsPassing(Exception e) => e is NpgsqlException or PostgresStoreException or IOException or OperationCanceledException or TimeoutException;

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
        _pulse.Beat(TimeSpan.Zero);
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
                    await BeatAsync(connection, lost);
                    await ear.ListenAsync(Every, _stop.Token);
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
                _pulse.Miss();
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
        var stuck = _overdue.Look(held);
        if (stuck > Interlocked.Exchange(ref _stuck, stuck))
        {
            LogStuck(logger, stuck, Overdue.Grace.TotalSeconds);
        }

        await LimitedAsync(BeatLimit, async cancel =>
        {
            if (Id != 0)
            {
                if (await TellAsync(connection, stuck, cancel) is { } gap)
                {
                    _pulse.Beat(gap);
                    return;
                }

                Interlocked.Exchange(ref _id, 0); // first: what is claimed under the old number and not held yet is dropped by who claims
                _pulse.Miss();
                lost();
            }

            await RegisterAsync(connection, cancel);
        });
        await LimitedAsync(Every, async cancel =>
        {
            await AskAsync(connection, cancel);
            await ReportAsync(connection, cancel);
        });
    }

    private async Task LimitedAsync(TimeSpan most, Func<CancellationToken, Task> action)
    {
        using var limit = new CancellationTokenSource(most > ShortestLimit ? most : ShortestLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
        await action(both.Token);
    }

    // A statement of its own, and the first: nothing else may hold it up. Answers with the time since the last one, by the database's clock; null: the row is gone.
    private async Task<TimeSpan?> TellAsync(NpgsqlConnection connection, int stuck, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(
            """
            UPDATE tenfold.job_workers AS own SET beat_at = clock_timestamp(), busy = $2, stuck = $3
            FROM (SELECT beat_at FROM tenfold.job_workers WHERE id = $1) AS before WHERE own.id = $1
            RETURNING extract(epoch FROM own.beat_at - before.beat_at)::float8
            """,
            connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = Id }, new NpgsqlParameter<int> { TypedValue = held.Count }, new NpgsqlParameter<int> { TypedValue = stuck } },
        };
        return await command.ExecuteScalarAsync(cancel) is double seconds ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 1e9)) : null;
    }

    // Which of the jobs that have run, or waited for their turn, for a while are to be cancelled.
    private async Task AskAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        JobRun[] now = [.. held.All];
        var asked = now.Where(run => _heldBefore.Contains(run.Id) || (run.StartedAt != 0 && time.GetElapsedTime(run.StartedAt) > Every / 2)).ToLookup(run => run.Id);
        _heldBefore = [.. now.Select(run => run.Id)];
        if (asked.Count == 0)
        {
            return;
        }

        await using var command = new NpgsqlCommand("SELECT id FROM tenfold.jobs_running WHERE id = ANY ($1) AND cancelled AND worker = $2", connection)
        {
            Parameters = { new NpgsqlParameter<long[]> { TypedValue = [.. asked.Select(run => run.Key)] }, new NpgsqlParameter<long> { TypedValue = Id } },
        };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            foreach (var run in asked[rows.GetInt64(0)])
            {
                run.Stop(StopReason.Cancelled, time.GetTimestamp());
                if (run.StartedAt == 0)
                {
                    run.Abandon(TimeSpan.Zero); // it ends without waiting for its turn
                }
            }
        }
    }

    // A row that somebody's transaction holds is left for the next time.
    private async Task ReportAsync(NpgsqlConnection connection, CancellationToken cancel)
    {
        _untold = held.All.Select(run => (run.Id, Text: run.TakeReport() ?? _untold.GetValueOrDefault(run.Id))).Where(report => report.Text is not null).DistinctBy(report => report.Id).ToDictionary(report => report.Id, report => report.Text!);
        if (_untold.Count == 0)
        {
            return;
        }

        await using var command = new NpgsqlCommand(
            """
            WITH told AS (SELECT * FROM unnest($1::bigint[], $2::jsonb[]) AS told (id, progress)),
            free AS MATERIALIZED (SELECT id FROM tenfold.jobs_running WHERE id = ANY ($1) AND worker = $3 FOR UPDATE SKIP LOCKED)
            UPDATE tenfold.jobs_running AS job SET progress = told.progress || jsonb_build_object('at', clock_timestamp()) FROM told JOIN free USING (id) WHERE job.id = told.id
            RETURNING job.id
            """,
            connection)
        {
            Parameters =
            {
                new NpgsqlParameter<long[]> { TypedValue = [.. _untold.Keys] },
                new NpgsqlParameter { Value = _untold.Values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Jsonb },
                new NpgsqlParameter<long> { TypedValue = Id },
            },
        };
        await using var rows = await command.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
        {
            _untold.Remove(rows.GetInt64(0));
        }
    }

    [LoggerMessage(2, LogLevel.Error, "A worker's sign of life in database {Database} has failed; it is tried again")]
    private static partial void LogBroken(ILogger logger, Exception exception, int database);

    [LoggerMessage(3, LogLevel.Error, "{Count} handlers of jobs do not end, {Seconds} s and more after they were told to: they do not heed their cancellation token. Their jobs go on elsewhere; their slots stay taken until they end or this process does")]
    private static partial void LogStuck(ILogger logger, int count, double seconds);
}
