using Npgsql;

namespace Tenfold.Jobs.Schedules;

/// <summary>A job that is enqueued again and again, as an app declares it.</summary>
public sealed class JobSchedule
{
    internal JobSchedule(string name, string cron, string zone, Func<JobClient, NpgsqlConnection, CancellationToken, Task<Enqueued>> enqueue) =>
        (Name, Cron, Zone, Times, EnqueueAsync) = (name, cron, zone, CronTimes.Parse(cron, zone), enqueue);

    /// <summary>Its name in the cluster.</summary>
    public string Name { get; }

    /// <summary>When: five fields, or a word such as <c>@daily</c>.</summary>
    public string Cron { get; }

    /// <summary>The time zone that it is meant in.</summary>
    public string Zone { get; }

    internal CronTimes Times { get; }

    /// <summary>Enqueues the job in the connection's transaction.</summary>
    internal Func<JobClient, NpgsqlConnection, CancellationToken, Task<Enqueued>> EnqueueAsync { get; }
}

/// <summary>Declares schedules.</summary>
public static class JobScheduleExtensions
{
    private const int LongestName = 200;

    /// <summary>
    /// Enqueues a job whenever a cron expression says so: once in the cluster, however many instances declare it, in the store's first
    /// database. While everything was down, one of the runs that were missed is made up for. A changed expression is taken over when an instance
    /// that has it starts; a schedule that no instance declares any more does not run. See docs/jobs.md for days on which clocks change.
    /// </summary>
    /// <param name="options">The app's.</param>
    /// <param name="name">Its name in the cluster; the schedule keeps its last run as long as it has the name.</param>
    /// <param name="cron">Minute, hour, day of the month, month, day of the week (<c>0 2 * * MON-FRI</c>), or <c>@hourly @daily @weekly @monthly @yearly</c>.</param>
    /// <param name="zone">IANA time zone: <c>UTC</c>, <c>Europe/Berlin</c>.</param>
    /// <param name="job">What is enqueued.</param>
    /// <param name="enqueue">How it waits and runs. With <see cref="EnqueueOptions.Unique"/> a run is left out while the one before has not ended.</param>
    /// <exception cref="FormatException">The expression or the zone is none.</exception>
    /// <exception cref="ArgumentException">The name is taken, or is no name.</exception>
    public static JobOptions Cron<TJob>(this JobOptions options, string name, string cron, string zone, TJob job, EnqueueOptions? enqueue = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(cron);
        ArgumentNullException.ThrowIfNull(zone);
        if (name.Length > LongestName || options.Schedules.Any(other => other.Name == name))
        {
            throw new ArgumentException(name.Length > LongestName ? $"the name of a schedule has at most {LongestName} characters" : $"there is a schedule '{name}' already", nameof(name));
        }

        options.Schedules.Add(new JobSchedule(name, cron, zone, (client, connection, cancel) => client.EnqueueAsync(connection, job, enqueue, cancel)));
        return options;
    }
}
