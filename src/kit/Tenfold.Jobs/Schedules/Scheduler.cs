using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Jobs.Databases;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Tenfold.Jobs.Schedules;

/// <summary>Enqueues the jobs of the schedules that this app declares, in the store's first database. Any number of processes may run it.</summary>
internal sealed partial class Scheduler(JobOptions options, JobDatabases databases, JobClient client, TimeProvider time, ILogger<Scheduler> logger) : BackgroundService
{
    private static readonly TimeSpan MostPause = TimeSpan.FromSeconds(10); // another process may have changed the table
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Least = TimeSpan.FromMilliseconds(10);

    private readonly Dictionary<string, JobSchedule> _schedules = options.Schedules.ToDictionary(schedule => schedule.Name, StringComparer.Ordinal);
    private bool _isDeclared;
    private readonly Dictionary<string, string> _broken = new(StringComparer.Ordinal); // what was told of each
    private string? _failed;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (_schedules.Count > 0 && !stoppingToken.IsCancellationRequested)
        {
            var pause = await TurnAsync(stoppingToken);
            await Task.Delay(pause < Least ? Least : pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<TimeSpan> TurnAsync(CancellationToken cancel)
    {
        try
        {
            await using var connection = await databases.Now[0].Store.OpenWriterAsync(null, cancel);
            if (!_isDeclared)
            {
                await ScheduleTable.DeclareAsync(connection, _schedules.Values, cancel);
                _isDeclared = true;
            }

            await ScheduleTable.SeenAsync(connection, _schedules.Values, cancel);
            var left = new Dictionary<string, JobSchedule>(_schedules, StringComparer.Ordinal);
            while (await ScheduleTable.RunOneAsync(connection, left, client, cancel) is { } run)
            {
                if (run.Failure is { } failure)
                {
                    left.Remove(run.Name); // those after it are not to wait for it
                    Tell(run.Name, failure);
                }
                else
                {
                    _broken.Remove(run.Name);
                }
            }

            _failed = null;
            var most = left.Count < _schedules.Count ? AfterFailure : MostPause;
            return await ScheduleTable.DueInAsync(connection, left.Values, cancel) is { } due && due < most ? due : most;
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or IOException or TimeoutException or OperationCanceledException or InvalidOperationException or FormatException or JobException)
        {
            if (!cancel.IsCancellationRequested && _failed != e.Message)
            {
                LogFailed(logger, e.Message);
                _failed = e.Message;
            }

            return AfterFailure;
        }
    }

    private void Tell(string name, Exception failure)
    {
        if (_broken.GetValueOrDefault(name) != failure.Message)
        {
            _broken[name] = failure.Message;
            LogBroken(logger, name, failure.Message);
        }
    }

    [LoggerMessage(2, LogLevel.Error, "The job of schedule '{Name}' cannot be enqueued, and is tried again every second: {Reason}")]
    private static partial void LogBroken(ILogger logger, string name, string reason);

    [LoggerMessage(1, LogLevel.Warning, "Scheduled jobs cannot be enqueued for now, and are tried again every second: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}
