using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Jobs.Administration;
using Tenfold.Jobs.Databases;
using Tenfold.Jobs.Running;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Tenfold.Jobs.Metrics;

/// <summary>
/// What queues tell in the meter <c>Tenfold.Jobs</c>, of a process that works on them. The databases are asked only while somebody reads the
/// metrics, at most once a second and for at most a twentieth of the time; in between the last figures tell.
/// </summary>
internal sealed partial class QueueMetrics : BackgroundService
{
    public const string MeterName = "Tenfold.Jobs";

    private const int Share = 20;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Watched = TimeSpan.FromMinutes(2); // since somebody read them last

    private readonly Meter _meter = new(MeterName);
    private readonly JobDatabases _databases;
    private readonly JobWorker _worker;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _wanted = new(0, 1);
    private volatile IReadOnlyList<QueueOverview> _queues = [];
    private long _readAt;
    private bool _hasFailed;

    public QueueMetrics(JobDatabases databases, JobWorker worker, TimeProvider time, ILogger<QueueMetrics> logger)
    {
        (_databases, _worker, _time, _logger) = (databases, worker, time, logger);
        _meter.CreateObservableGauge("tenfold.jobs.depth", Depths, "{job}", "Jobs by queue and state; above 10,000 of a state an estimate.");
        _meter.CreateObservableGauge("tenfold.jobs.oldest.ready", () => Each(queue => queue.OldestReadySeconds ?? 0), "s", "Time for which the oldest ready job of the queue has been due.");
        _meter.CreateObservableGauge("tenfold.jobs.dead.letters", () => Each(queue => queue.DeadLetters), "{job}", "Jobs that have failed for good and are kept.");
        _meter.CreateObservableGauge("tenfold.jobs.paused", () => Each(queue => queue.PausedAt is null ? 0 : 1), description: "1 while the queue is paused.");
        _meter.CreateObservableGauge("tenfold.jobs.workers", () => Each(queue => queue.Workers), "{worker}", "Workers that live and work on the queue.");
        _meter.CreateObservableGauge("tenfold.jobs.stuck", () => worker.Workers.Sum(one => one.Stuck), "{job}", "Handlers of this process that do not end although they were told to.");
        Counter("tenfold.jobs.completed", "{job}", "Jobs that this process completed.", counts => counts.Completed);
        Counter("tenfold.jobs.failed", "{job}", "Jobs of this process that became dead letters.", counts => counts.Failed);
        Counter("tenfold.jobs.retried", "{run}", "Failed runs of this process after which there is another one.", counts => counts.Retried);
        Counter("tenfold.jobs.returned", "{run}", "Runs that this process gave back without a failure, and jobs that were cancelled while it ran them.", counts => counts.Returned);
        _meter.CreateObservableCounter("tenfold.jobs.handler.time", () => Counts().GroupBy(one => one.Key, StringComparer.Ordinal).Select(queue => new Measurement<double>(queue.Sum(one => one.Value.Time.TotalSeconds), new KeyValuePair<string, object?>("queue", queue.Key))), "s", "Time that handlers of this process took, added up.");

        void Counter(string name, string unit, string description, Func<QueueCounts, long> value) => _meter.CreateObservableCounter(
            name, () => Counts().GroupBy(one => one.Key, StringComparer.Ordinal).Select(queue => new Measurement<long>(queue.Sum(one => value(one.Value)), new KeyValuePair<string, object?>("queue", queue.Key))), unit, description);

        // One a queue and database.
        IEnumerable<KeyValuePair<string, QueueCounts>> Counts() => worker.Workers.SelectMany(one => one.Counts.Queues);
    }

    public override void Dispose()
    {
        _meter.Dispose();
        base.Dispose();
        _wanted.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (_worker.Queues.Count > 0)
            {
                if (_time.GetElapsedTime(Volatile.Read(ref _readAt)) > Watched || Volatile.Read(ref _readAt) == 0)
                {
                    await _wanted.WaitAsync(stoppingToken);
                }

                var started = _time.GetTimestamp();
                await MeasureAsync(stoppingToken);
                var pause = _time.GetElapsedTime(started) * (Share - 1);
                await Task.Delay(pause > Every ? pause : Every, _time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // the app stops
        }
    }

    private async Task MeasureAsync(CancellationToken cancel)
    {
        try
        {
            var admin = new JobAdmin([.. _databases.Now.Select(database => new AdminDatabase(database.Number, token => new(database.Store.OpenWriterAsync(null, token).AsTask())))]);
            _queues = await admin.QueuesAsync(cancel);
            _hasFailed = false;
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or IOException or TimeoutException)
        {
            _queues = []; // rather nothing than what was
            if (!_hasFailed)
            {
                LogFailed(_logger, e.Message);
                _hasFailed = true;
            }
        }
    }

    private IEnumerable<Measurement<long>> Depths() => Read().SelectMany(queue => new Measurement<long>[]
    {
        new(queue.Ready, Name(queue), State("ready")),
        new(queue.Scheduled, Name(queue), State("scheduled")),
        new(queue.Blocked, Name(queue), State("blocked")),
        new(queue.Parked, Name(queue), State("parked")),
        new(queue.Running, Name(queue), State("running")),
    });

    private IEnumerable<Measurement<double>> Each(Func<QueueOverview, double> value) => Read().Select(queue => new Measurement<double>(value(queue), Name(queue)));

    private IReadOnlyList<QueueOverview> Read()
    {
        Volatile.Write(ref _readAt, Math.Max(1, _time.GetTimestamp()));
        if (_wanted.CurrentCount == 0)
        {
            try
            {
                _wanted.Release();
            }
            catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
            {
                // another reader was faster, or the app stops
            }
        }

        return _queues;
    }

    private static KeyValuePair<string, object?> Name(QueueOverview queue) => new("queue", queue.Name);

    private static KeyValuePair<string, object?> State(string state) => new("state", state);

    [LoggerMessage(1, LogLevel.Warning, "The figures of the queues cannot be read for now: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}
