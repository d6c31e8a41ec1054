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
            while (await ScheduleTable.RunOneAsync(connection, _schedules, client, cancel))
            {
                // the next one that is due
            }

            _failed = null;
            return await ScheduleTable.DueInAsync(connection, _schedules.Values, cancel) is { } due && due < MostPause ? due : MostPause;
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

    [LoggerMessage(1, LogLevel.Warning, "Scheduled jobs cannot be enqueued for now, and are tried again every second: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}
