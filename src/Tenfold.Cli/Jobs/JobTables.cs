using System.Globalization;
using Tenfold.Cli.Output;
using Tenfold.Jobs.Administration;

namespace Tenfold.Cli.Jobs;

/// <summary>Queues, jobs and workers as tables.</summary>
internal static class JobTables
{
    private const int ShownText = 80;

    public static void Queues(TextWriter to, IReadOnlyList<QueueOverview> queues)
    {
        if (queues.Count == 0)
        {
            to.WriteLine("no jobs yet");
            return;
        }

        var table = new TextTable(["QUEUE", "READY", "OLDEST", "SCHEDULED", "BLOCKED", "PARKED", "RUNNING", "DEAD", "DONE 1m", "DONE 1h", "FAILED 1m", "FAILED 1h", "WORKERS", "NOTE"]);
        foreach (var queue in queues)
        {
            table.Add(
                queue.Name, Waiting(queue.Ready), queue.OldestReadySeconds is { } age ? Units.Duration(TimeSpan.FromSeconds(age)) : "-", Waiting(queue.Scheduled), Waiting(queue.Blocked), Waiting(queue.Parked),
                Count(queue.Running), Count(queue.DeadLetters), Count(queue.CompletedLastMinute), Count(queue.CompletedLastHour), Count(queue.FailedLastMinute), Count(queue.FailedLastHour),
                Count(queue.Workers), Note(queue));

            string Waiting(long n) => queue.IsEstimate && n > QueueOverview.Counted ? $"~{Count(n)}" : Count(n);
        }

        table.Write(to);
        if (queues.Any(queue => queue.IsEstimate))
        {
            to.WriteLine($"~ is an estimate from a sample: above {Count(QueueOverview.Counted)} jobs are not counted");
        }
    }

    public static void Jobs(TextWriter to, IReadOnlyList<JobSummary> jobs)
    {
        if (jobs.Count == 0)
        {
            to.WriteLine("no such jobs");
            return;
        }

        var table = new TextTable(["ID", "STATE", "QUEUE", "KIND", "PRIORITY", "ENQUEUED", "DUE OR ENDED", "FAILURES", "KEY", "NOTE"]);
        foreach (var job in jobs)
        {
            table.Add(
                Plain(job.Id), JobText.State(job.State), job.Queue, job.Kind, Count(job.Priority), JobText.Time(job.EnqueuedAt), JobText.Time(job.EndedAt ?? job.RunAt), Count(job.Failures), job.Key ?? "-",
                Short(job.State == JobState.Running && job.Progress is not null ? job.Progress : job.LastError ?? job.Progress ?? ""));
        }

        table.Write(to);
    }

    public static void Workers(TextWriter to, IReadOnlyList<WorkerState> workers)
    {
        if (workers.Count == 0)
        {
            to.WriteLine("no workers");
            return;
        }

        var table = new TextTable(["WORKER", "DATABASE", "STATE", "SINCE", "LAST BEAT", "HOLDS", "BUSY", "STUCK", "QUEUES"]);
        foreach (var worker in workers)
        {
            table.Add(
                worker.Name, Count(worker.Database), worker.IsAlive ? "alive" : "gone", JobText.Time(worker.StartedAt), Units.Duration(TimeSpan.FromSeconds(worker.BeatSeconds)) + " ago",
                Count(worker.Held), Count(worker.Busy), Count(worker.Stuck), string.Join(", ", worker.Queues));
        }

        table.Write(to);
    }

    public static string Count(long n) => n.ToString("N0", CultureInfo.InvariantCulture);

    // As it is typed again.
    private static string Plain(long id) => id.ToString(CultureInfo.InvariantCulture);

    private static string Note(QueueOverview queue)
    {
        var notes = new List<string>();
        if (queue.PausedAt is { } since)
        {
            notes.Add($"paused since {JobText.Time(since)}");
        }

        if (queue.Workers == 0 && queue.Ready + queue.Scheduled + queue.Parked > 0)
        {
            notes.Add("no worker works on it");
        }
        else if (queue.UnhandledKinds.Count > 0)
        {
            notes.Add($"no worker handles {string.Join(", ", queue.UnhandledKinds)}");
        }

        return string.Join("; ", notes);
    }

    private static string Short(string text)
    {
        var line = text.Split('\n')[0];
        return line.Length <= ShownText ? line : line[..(ShownText - 1)] + "…";
    }
}
