using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tenfold.Jobs.Databases;
using Tenfold.Jobs.Enqueueing;
using Tenfold.Jobs.Kinds;
using Tenfold.Jobs.Running;

namespace Tenfold.Jobs;

/// <summary>
/// Works on the queues that this process has handlers for, in all databases of the store, also in those that come later. Runs as a service of
/// the app: on SIGTERM it claims nothing more, finishes what runs within <see cref="JobOptions.Drain"/>, and gives back the rest.
/// </summary>
public sealed class JobWorker : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan LookForDatabases = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestBuffered = TimeSpan.FromSeconds(1);

    private readonly JobKinds _kinds;
    private readonly JobDatabases _databases;
    private readonly Waker _waker;
    private readonly JobOptions _options;
    private readonly WorkerSettings _settings;
    private readonly IServiceScopeFactory _scopes;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Random _random = new();
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stopping = new();
    private IReadOnlyList<DatabaseWorker> _workers = [];

    internal JobWorker(string name, JobKinds kinds, JobDatabases databases, Waker waker, JobOptions options, IServiceScopeFactory scopes, TimeProvider time, ILogger<JobWorker> logger)
    {
        (_kinds, _databases, _waker, _options, _scopes, _time, _logger) = (kinds, databases, waker, options, scopes, time, logger);
        var queues = kinds.Handled.Count == 0 ? [] : JobServices.QueuesOf(kinds, options).Where(queue => options.Work?.Contains(queue) != false).ToArray();
        _settings = new WorkerSettings(name, options, queues, [.. kinds.Handled.Select(kind => kind.Kind)]);
    }

    /// <summary>Queues that it works on.</summary>
    public IReadOnlyList<string> Queues => _settings.Queues;

    internal IReadOnlyList<DatabaseWorker> Workers
    {
        get
        {
            lock (_lock)
            {
                return _workers;
            }
        }
    }

    /// <inheritdoc />
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Begins to drain at once: the app's other services, such as its web server, may take all of the time that it has to stop.</summary>
    public Task StoppingAsync(CancellationToken cancellationToken) => _stopping.CancelAsync();

    /// <inheritdoc />
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc />
    public override void Dispose()
    {
        base.Dispose();
        _stopping.Dispose();
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_settings.Queues.Count == 0)
        {
            return;
        }

        var quarantine = new Quarantine();
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, _stopping.Token);
        QueueRunner[] runners = [.. _settings.Queues.Select(queue => new QueueRunner(queue, _options.Queues.TryGetValue(queue, out var options) ? options : new JobQueueOptions(), _options.MostClaimed, _settings.Name, quarantine, _kinds, _scopes, _time, _random))];
        _waker.Woken = (database, text) => Workers.FirstOrDefault(worker => worker.Database.Number == database)?.Woken(text);
        while (!stopping.IsCancellationRequested)
        {
            foreach (var database in Known().Where(database => Workers.All(worker => worker.Database != database)))
            {
                var worker = new DatabaseWorker(database, _settings, runners, _waker, _time, _logger);
                lock (_lock)
                {
                    _workers = [.. _workers, worker];
                }

                worker.Start();
            }

            foreach (var runner in runners)
            {
                runner.GiveBack(LongestBuffered);
            }

            await Task.Delay(LookForDatabases, _time, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await DrainAsync(runners);
    }

    private IReadOnlyList<JobDatabase> Known()
    {
        try
        {
            return _databases.Now;
        }
        catch (Postgres.Shards.ShardException)
        {
            return []; // the shard map was not read yet
        }
    }

    private async Task DrainAsync(QueueRunner[] runners)
    {
        foreach (var worker in Workers)
        {
            worker.StopClaiming();
        }

        foreach (var runner in runners)
        {
            runner.Stop();
            runner.GiveBack(TimeSpan.Zero);
        }

        var ended = Task.WhenAll(runners.Select(runner => runner.DisposeAsync().AsTask()));
        await Task.WhenAny(ended, Task.Delay(_options.Drain, _time));
        foreach (var worker in Workers)
        {
            worker.StopRuns();
        }

        await Task.WhenAny(ended, Task.Delay(TimeSpan.FromSeconds(2), _time));
        await Task.WhenAll(Workers.Select(worker => worker.DisposeAsync().AsTask()));
    }
}
