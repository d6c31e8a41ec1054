using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Jobs.Databases;
using Tenfold.Jobs.Ending;
using Tenfold.Jobs.Enqueueing;
using Tenfold.Jobs.Living;

namespace Tenfold.Jobs.Running;

/// <summary>
/// Takes the jobs of one database and ends them, in turns: one round trip completes what is done and claims what there is room for. While it
/// is under way handlers run on what is held ready, and what they complete goes with the next one.
/// </summary>
internal sealed partial class DatabaseWorker : IRunOwner, IAsyncDisposable
{
    private const int MostEndings = 1000; // in a turn
    private const int EndAtOnce = 256;    // as many do not wait for more

    private static readonly TimeSpan EndWithin = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan ShortestRetry = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(2);

    private readonly JobDatabase _database;
    private readonly WorkerSettings _settings;
    private readonly WorkerRow _row;
    private readonly Waker _waker;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Dictionary<string, QueueTurns> _queues;
    private readonly HeldRuns _held = new();
    private readonly Endings _endings = new();
    private readonly Signal _signal;
    private readonly Schedule _schedule;
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private volatile bool _isClaiming = true;
    private bool _mustReconcile;

    public DatabaseWorker(JobDatabase database, WorkerSettings settings, IReadOnlyCollection<QueueRunner> runners, Waker waker, TimeProvider time, ILogger logger)
    {
        (_database, _settings, _waker, _time, _logger) = (database, settings, waker, time, logger);
        _queues = runners.ToDictionary(runner => runner.Name, runner => new QueueTurns(runner, time, settings.Options.Poll), StringComparer.Ordinal);
        _signal = new Signal(time);
        _schedule = new Schedule(time, settings.Options.Poll);
        _row = new WorkerRow(database, settings, _held, time, logger);
    }

    public JobDatabase Database => _database;

    /// <summary>Counts of what was done.</summary>
    public WorkerCounts Counts { get; } = new();

    /// <summary>Handlers that do not end although they were told to.</summary>
    public int Stuck => _row.Stuck;

    /// <summary>Begins to work; it waits for the database by itself.</summary>
    public void Start() => _loop = Task.Run(() => LoopAsync(_stop.Token));

    /// <summary>A queue has got a job: its name, with <see cref="Waker.Soon"/> at the end if that is not committed yet.</summary>
    public void Woken(string text)
    {
        var soon = text.EndsWith(Waker.Soon);
        if (_queues.TryGetValue(soon ? text[..^1] : text, out var queue))
        {
            queue.Wake(committed: !soon);
            _signal.Set();
        }
    }

    public void Ended(JobRun run, JobEnding ending)
    {
        Counts.Ended(ending);
        if (_endings.Add(ending, _time.GetTimestamp(), EndAtOnce) || _queues[run.Queue].Runner is { IsIdle: true } or { HasRoom: true })
        {
            _signal.Set();
        }
    }

    public async Task CompleteInAsync(NpgsqlConnection connection, JobRun run, CancellationToken cancel)
    {
        var ending = new JobEnding(run.Job, JobOutcome.Completed, _time.GetElapsedTime(run.StartedAt)) { Keep = run.Options.Keep.Completed > 0 };
        if (ending.IsPlain && await EndTransaction.CompleteOneAsync(connection, ending, _settings.Name, cancel))
        {
            return;
        }

        // Others are to be told of it; or it is not held any more.
        var (gone, ready) = await EndTransaction.EndAsync(connection, [ending], _settings.Name, cancel);
        if (gone == 0)
        {
            throw new JobLostException(run.Id);
        }

        Wake(ready, committed: false);
    }

    public async Task MarkStartedAsync(JobRun run, CancellationToken cancel)
    {
        await using var connection = await _database.Store.OpenWriterAsync(null, cancel);
        await using var command = new NpgsqlCommand("UPDATE tenfold.jobs_running SET started = true WHERE id = $1 AND run = $2 AND worker = $3", connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = run.Id }, new NpgsqlParameter<int> { TypedValue = run.Job.Run }, new NpgsqlParameter<long> { TypedValue = run.Job.Worker } },
        };
        if (await command.ExecuteNonQueryAsync(cancel) == 0)
        {
            throw new JobLostException(run.Id);
        }
    }

    /// <summary>Claims nothing more; what is held goes on.</summary>
    public void StopClaiming()
    {
        _isClaiming = false;
        _signal.Set();
    }

    /// <summary>Tells what runs to stop.</summary>
    public void StopRuns()
    {
        foreach (var run in _held.All)
        {
            run.Stop(StopReason.Stopping, _time.GetTimestamp());
        }
    }

    /// <summary>Ends what was ended, gives back what is still held, and takes leave.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5), _time);
        try
        {
            await using var connection = await _database.Store.OpenWriterAsync(null, limit.Token);
            while (_endings.Take(MostEndings, long.MaxValue) is { Count: > 0 } last)
            {
                await EndEachAsync(connection, last, limit.Token);
            }

            await EndEachAsync(connection, [.. _held.All.Select(run => new JobEnding(run.Job, null, TimeSpan.Zero))], limit.Token);
        }
        catch (Exception e) when (WorkerRow.IsPassing(e))
        {
            LogNotGivenBack(_logger, _held.Count, _database.Number, e.Message);
        }

        await _row.DisposeAsync();
        _stop.Dispose();
    }

    private async Task LoopAsync(CancellationToken cancel)
    {
        var retry = ShortestRetry;
        while (!cancel.IsCancellationRequested)
        {
            try
            {
                await _row.StartAsync(Lost, Woken, cancel);
                await using var connection = await WorkerConnection.OpenAsync(_database.Store, cancel);
                while (!cancel.IsCancellationRequested)
                {
                    await _signal.WaitAsync(DueIn(), cancel);
                    if (DueIn() == TimeSpan.Zero)
                    {
                        await TurnAsync(connection.Inner, cancel);
                        retry = ShortestRetry;
                    }
                }
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it is, the jobs that are held must be ended: it is told, and tried again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _mustReconcile = true;
                LogFailed(_logger, WorkerRow.IsPassing(e) ? null : e, _database.Number, e.Message, retry.TotalSeconds);
                await Task.Delay(retry, _time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                retry = retry * 2 < LongestRetry ? retry * 2 : LongestRetry;
            }
        }
    }

    private TimeSpan DueIn()
    {
        var now = _time.GetTimestamp();
        var due = _endings.DueIn(now, _time, EndAtOnce, EndWithin, isIdle: _held.Count <= _endings.Count);
        if (_isClaiming)
        {
            due = Sooner(due, _schedule.DueIn(now));
            foreach (var queue in _queues.Values)
            {
                due = Sooner(due, queue.DueIn(now));
            }
        }

        return due;
    }

    private static TimeSpan Sooner(TimeSpan one, TimeSpan other) =>
        one == Timeout.InfiniteTimeSpan ? other : other == Timeout.InfiniteTimeSpan ? one : one < other ? one : other;

    private void Wake(IEnumerable<string> queues, bool committed)
    {
        foreach (var queue in queues)
        {
            _waker.Wake(_database, queue, committed);
        }
    }

    // Presumed dead: all that was held is others' by now.
    private void Lost()
    {
        LogLost(_logger, _settings.Name, _held.Count, _database.Number);
        foreach (var run in _held.All)
        {
            run.Stop(StopReason.Lost, _time.GetTimestamp());
        }

        _held.Clear();
    }

    [LoggerMessage(1, LogLevel.Warning, "Jobs of database {Database} cannot be worked on for now ({Reason}); tried again in {Pause:0.##} s")]
    private static partial void LogFailed(ILogger logger, Exception? exception, int database, string reason, double pause);

    [LoggerMessage(2, LogLevel.Error, "Worker {Worker} gave no sign of life for too long: its {Count} jobs of database {Database} are others' by now, and are stopped here")]
    private static partial void LogLost(ILogger logger, string worker, int count, int database);

    [LoggerMessage(3, LogLevel.Warning, "{Count} jobs could not be given back to database {Database} ({Reason}); other workers take them when they see that this one is gone")]
    private static partial void LogNotGivenBack(ILogger logger, int count, int database, string reason);
}
