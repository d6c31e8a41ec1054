using Tenfold.Guide;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Stores;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Scaling;

/// <summary>
/// Looks at the queues of a service, beside its decisions: depth and age from the databases, what is done from the counters of the instances. A
/// decision takes what was seen last, and nothing at all when that is too old. Thread-safe.
/// </summary>
internal sealed class QueueWatch
{
    public static readonly IReadOnlyDictionary<string, QueueSample> None = new Dictionary<string, QueueSample>();

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Stale = TimeSpan.FromSeconds(5);

    private readonly IReadOnlyList<string> _queues;
    private readonly ServiceSupervisor _service;
    private readonly Func<IReadOnlyList<DatabaseAccess>> _databases;
    private readonly TimeProvider _time;
    private Dictionary<(string Instance, long Started), IReadOnlyDictionary<string, JobCount>> _counters = [];
    private (IReadOnlyDictionary<string, QueueLevel> Levels, long At)? _before;
    private volatile Look? _latest;

    public QueueWatch(IReadOnlyList<string> queues, ServiceSupervisor service, Func<IReadOnlyList<DatabaseAccess>> databases, TimeProvider time) =>
        (_queues, _service, _databases, _time) = (queues, service, databases, time);

    /// <summary>Of the queues that a service's rules name; null when they name none.</summary>
    public static QueueWatch? For(SystemGuide guide, ServiceSupervisor service, Func<IReadOnlyList<DatabaseAccess>> databases, TimeProvider time)
    {
        var scale = guide.Services[service.Name].Scale;
        string[] queues = [.. scale.Metrics.Select(metric => metric.Queue).Concat(scale.Steps.Select(step => step.Queue)).OfType<string>().Distinct(StringComparer.Ordinal)];
        return queues.Length == 0 ? null : new QueueWatch(queues, service, databases, time);
    }

    /// <summary>What was seen last; empty when that was too long ago.</summary>
    public IReadOnlyDictionary<string, QueueSample> Latest() => _latest is { } look && _time.GetElapsedTime(look.At) <= Stale ? look.Samples : None;

    /// <summary>Until cancelled. One look is over before the next one begins; what fails is not seen.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(Period, _time);
        do
        {
            try
            {
                await LookAsync(cancel);
            }
#pragma warning disable CA1031 // Whatever it is, the next look may succeed.
            catch (Exception) when (!cancel.IsCancellationRequested)
#pragma warning restore CA1031
            {
                // The database restarts, or has a new primary: until it answers the queues are not known.
            }
        }
        while (await timer.WaitForNextTickAsync(cancel));
    }

    internal async Task LookAsync(CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(Patience, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        // Both, also when one of them fails: what went on would meet the next look. Counters and levels are kept together, or neither.
        var (counting, asking) = (CountAsync(cancel), AskAsync(both.Token));
        await Task.WhenAll(counting, asking);
        var (counters, done) = await counting;
        var (levels, at) = await asking;
        var over = _before is { } before ? _time.GetElapsedTime(before.At, at) : TimeSpan.Zero;
        _latest = new Look(_queues.ToDictionary(queue => queue, queue => Sample(levels[queue], _before?.Levels.GetValueOrDefault(queue), done?.GetValueOrDefault(queue), over), StringComparer.Ordinal), at);
        (_before, _counters) = ((levels, at), counters);
    }

    /// <summary>What there is, and what became ready meanwhile: what there is more of, and what has ended.</summary>
    /// <param name="now">The queue.</param>
    /// <param name="before">The queue at the look before; null: there was none.</param>
    /// <param name="done">What has ended in between; null: not known.</param>
    /// <param name="over">Time in between.</param>
    internal static QueueSample Sample(QueueLevel now, QueueLevel? before, JobCount? done, TimeSpan over)
    {
        if (before is not { } old || done is not { } count || over <= TimeSpan.Zero || now.Ready >= QueueLook.Counted)
        {
            return new QueueSample(now.Ready, now.Age, null, null, now.Running);
        }

        var more = now.Ready - old.Ready + now.Running - old.Running;
        return new QueueSample(now.Ready, now.Age, Math.Max(0, more + count.Ended + count.Stopped) / over.TotalSeconds, count.Ended / over.TotalSeconds, now.Running);
    }

    private async Task<(IReadOnlyDictionary<string, QueueLevel> Levels, long At)> AskAsync(CancellationToken cancel)
    {
        var levels = await QueueLook.AskAsync(_databases(), _queues, cancel);
        return (levels, _time.GetTimestamp());
    }

    /// <summary>
    /// Counters, and what ended since those of the last look, by queue; null when an instance that gets work does not tell. Without instances nothing ends.
    /// Takes at most two seconds.
    /// </summary>
    private async Task<(Dictionary<(string, long), IReadOnlyDictionary<string, JobCount>> Counters, IReadOnlyDictionary<string, JobCount>? Done)> CountAsync(CancellationToken cancel)
    {
        var sums = _queues.ToDictionary(queue => queue, _ => default(JobCount), StringComparer.Ordinal);
        var known = true;
        var asked = _service.Instances.Select(instance => instance.Status).Where(status => status is { State: InstanceState.Ready, EndPoint: not null, Started: not null }).ToList();
        var texts = await Task.WhenAll(asked.Select(status => InstanceMetrics.ReadAsync(Address(status), _time, cancel)));
        var now = new Dictionary<(string, long), IReadOnlyDictionary<string, JobCount>>();
        for (var i = 0; i < texts.Length; i++)
        {
            var key = (asked[i].Name, asked[i].Started!.Value);
            var counts = texts[i] is { } text ? JobCounters.Read(text) : null;
            now[key] = counts ?? _counters.GetValueOrDefault(key) ?? new Dictionary<string, JobCount>();
            foreach (var queue in _queues)
            {
                if (counts is null || !counts.TryGetValue(queue, out var count))
                {
                    known = false;
                    continue;
                }

                var before = _counters.GetValueOrDefault(key)?.GetValueOrDefault(queue) ?? default;
                sums[queue] += new JobCount(Math.Max(0, count.Ended - before.Ended), Math.Max(0, count.Stopped - before.Stopped));
            }
        }

        return (now, known ? sums : null);
    }

    private static string Address(InstanceStatus status) => status.EndPoint!.ToString()!;

    private sealed record Look(IReadOnlyDictionary<string, QueueSample> Samples, long At);
}
