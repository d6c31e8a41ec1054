using System.Text.Json.Serialization;
using Tenfold.Jobs.Outbox;
using Tenfold.Jobs.Schedules;

namespace Tenfold.Jobs;

/// <summary>The jobs of an app. Set when the app is built; not changed afterwards.</summary>
public sealed class JobOptions
{
    /// <summary>Queues by name, beside those of the guide; a queue that nobody describes has the defaults.</summary>
    public IDictionary<string, JobQueueOptions> Queues { get; } = new Dictionary<string, JobQueueOptions>(StringComparer.Ordinal);

    /// <summary>
    /// Where the JSON of jobs is described: System.Text.Json source generation. Handlers and jobs (types with <see cref="JobAttribute"/>) are found in
    /// the assemblies of these.
    /// </summary>
    public IList<JsonSerializerContext> Json { get; } = [];

    /// <summary>Handlers beside those that are found.</summary>
    public IList<Type> Handlers { get; } = [];

    /// <summary>Jobs that are enqueued again and again: see <see cref="JobScheduleExtensions.Cron{TJob}"/>.</summary>
    public IList<JobSchedule> Schedules { get; } = [];

    /// <summary>The kit's own jobs for others' servers: see <see cref="OutboxExtensions.AddOutbox"/>. Null: they are not there.</summary>
    public OutboxOptions? Outbox { get; internal set; }

    /// <summary>The store that jobs are in. Default: that of the guide's queues; without a guide <c>main</c>.</summary>
    public string? Store { get; set; }

    /// <summary>Queues that this process works on; null is all that it has handlers for. Empty: it only enqueues.</summary>
    public IReadOnlyCollection<string>? Work { get; set; }

    /// <summary>How long jobs may go on after SIGTERM before they are cancelled and given back. Default 25 s: less than the app's own drain.</summary>
    public TimeSpan Drain { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>A worker that has not told that it lives for so long is presumed dead, and its jobs are given to others. Default 5 s.</summary>
    public TimeSpan PresumedDead { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often an idle worker looks for jobs that no notification told of. Default 1 s.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Most jobs claimed in one go. Default 1,000.</summary>
    public int MostClaimed { get; set; } = 1000;

    /// <summary>Largest payload in bytes of JSON. Default 1 MiB.</summary>
    public int MostPayload { get; set; } = 1 << 20;
}
