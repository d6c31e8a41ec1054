using ScalingDriver.Model;
using ScalingDriver.Policies;
using ScalingDriver.Traces;

namespace ScalingDriver;

/// <summary>Plays a trace against a policy. Pure: the same outcome each time.</summary>
public static class Play
{
    /// <summary>The outcome; <paramref name="watch"/> sees each change of the number.</summary>
    public static Outcome Run(InstanceModel model, Trace trace, IPilot pilot, Action<Change>? watch = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(trace);
        ArgumentNullException.ThrowIfNull(pilot);
        var (min, max) = pilot.Bounds;
        var cluster = new Cluster(model, Math.Clamp((int)Math.Ceiling(trace.Rate(0) / (0.7 * model.Capacity)), min, max));
        int violations = 0, most = 0, turns = 0, direction = 0;
        double paid = 0, failed = 0, requests = 0;
        for (var second = -Trace.WarmUp; second < trace.Seconds; second++)
        {
            var arriving = trace.Arriving(second);
            var result = cluster.Step(arriving);
            if (second >= trace.MeasuredFrom)
            {
                violations += result.IsViolation ? 1 : 0;
                failed += result.Failed;
                requests += arriving;
                paid += cluster.Paid;
                most = Math.Max(most, cluster.Count);
            }

            var ended = second + Trace.WarmUp + 1;
            if (ended % pilot.Every == 0)
            {
                cluster.EndPeriod();
            }

            if (ended <= pilot.Delay || (ended - pilot.Delay) % pilot.Every != 0)
            {
                continue;
            }

            var from = cluster.Count;
            cluster.ScaleTo(pilot.Decide(cluster.Look(trace.Begins.AddSeconds(second + 1), TimeSpan.FromSeconds(pilot.Every))));
            if (cluster.Count != from)
            {
                var turned = Math.Sign(cluster.Count - from);
                turns += second >= trace.MeasuredFrom && direction == -turned ? 1 : 0;
                direction = turned;
                watch?.Invoke(new Change(second + 1, from, cluster.Count, arriving, (pilot as AutoscalerPilot)?.Reason));
            }
        }

        return new Outcome(violations, paid, most, turns, failed, requests);
    }
}

/// <summary>What a policy made of a trace.</summary>
/// <param name="Violations">Seconds in which p95 was over the budget, or a request failed.</param>
/// <param name="InstanceSeconds">Seconds of instances that are paid for: starting, ready and leaving ones.</param>
/// <param name="Most">Most instances at once, without the leaving ones.</param>
/// <param name="Turns">Changes of direction: an instance removed after one was added, or the other way round.</param>
/// <param name="Failed">Requests without an answer.</param>
/// <param name="Requests">Requests in all.</param>
public sealed record Outcome(int Violations, double InstanceSeconds, int Most, int Turns, double Failed, double Requests);

/// <summary>A change of the number of instances at a second of the trace.</summary>
public sealed record Change(int Second, int From, int To, double Arriving, string? Reason);
