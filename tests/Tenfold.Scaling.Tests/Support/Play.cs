using Tenfold.Guide;

namespace Tenfold.Scaling.Tests.Support;

/// <summary>
/// A service in small: requests cost processor time, what cannot be served piles up, new instances take time to start. Enough to close the loop in tests; the
/// bench has a better one.
/// </summary>
internal static class Play
{
    /// <summary>Requests a second that one instance can do at most.</summary>
    public const double Capacity = 100;

    /// <summary>Decisions over a time, with the number of instances after each.</summary>
    public static List<Decision> Run(Scale scale, Func<double, double> load, double seconds, int start = 2, double startTime = 5, Func<double, Snapshot, Snapshot>? see = null)
    {
        var scaler = Autoscaler.For(scale);
        var decisions = new List<Decision>();
        var born = Enumerable.Repeat(-1000.0, start).ToList();
        var backlog = 0.0;
        var interval = scale.Interval.TotalSeconds;
        for (var now = 0.0; now < seconds; now += interval)
        {
            var arriving = load(now);
            var ready = born.Count(at => now - at >= startTime);
            var done = Math.Min(arriving + (backlog / interval), ready * Capacity);
            backlog = Math.Max(0, backlog + ((arriving - done) * interval));
            var each = ready == 0 ? 0 : done / ready;
            var snapshot = new Snapshot
            {
                Now = Seen.Seconds(now),
                At = Seen.Noon + Seen.Seconds(now),
                Over = Seen.Seconds(interval),
                Count = born.Count,
                Instances = [.. born.Select(at => now - at >= startTime
                    ? new InstanceSample { Phase = InstancePhase.Ready, Age = Seen.Seconds(now - at), ReadyFor = Seen.Seconds(now - at - startTime), Cpu = each / Capacity, Memory = 0.3, RequestsPerSecond = each, InFlight = each * 0.02 }
                    : new InstanceSample { Phase = InstancePhase.Starting, Age = Seen.Seconds(now - at), Cpu = 0.1, Memory = 0.1 })],
                Traffic = new TrafficSample(arriving, (done * 0.02) + backlog, 0.02, 0.05, 0.1, done),
                StartTime = Seen.Seconds(startTime),
            };
            var (decision, next) = scaler.Decide(see?.Invoke(now, snapshot) ?? snapshot);
            scaler = next;
            decisions.Add(decision);
            while (born.Count < decision.To)
            {
                born.Add(now);
            }

            while (born.Count > decision.To)
            {
                born.RemoveAt(born.Count - 1);
            }
        }

        return decisions;
    }
}
