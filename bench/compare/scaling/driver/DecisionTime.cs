using System.Diagnostics;
using Tenfold.Guide;
using Tenfold.Scaling;

namespace ScalingDriver;

/// <summary>What one decision costs for a service of many instances.</summary>
public static class DecisionTime
{
    /// <summary>Median time, and bytes allocated by one after a season and by one of the last.</summary>
    public static (double Milliseconds, double Early, double Late) Measure(Scale scale, int instances, int decisions)
    {
        ArgumentNullException.ThrowIfNull(scale);
        var samples = new InstanceSample[instances];
        var autoscaler = Autoscaler.For(scale);
        var times = new double[decisions];
        const int Window = 500, Early = 5000; // the windows are full then, and a season has passed
        double early = 0, late = 0;
        for (var i = 0; i < decisions; i++)
        {
            for (var k = 0; k < samples.Length; k++)
            {
                // A load that comes and goes slowly, so that windows and histories have something to keep.
                var cpu = 0.7 + (0.2 * Math.Sin(i / 100.0)) + (0.01 * (k % 7));
                samples[k] = new InstanceSample { Phase = InstancePhase.Ready, Age = TimeSpan.FromHours(1), ReadyFor = TimeSpan.FromHours(1), Cpu = cpu, Memory = 0.5, RequestsPerSecond = cpu * 100, InFlight = 4 };
            }

            var snapshot = new Snapshot
            {
                Now = i * scale.Interval,
                At = DateTimeOffset.UnixEpoch.AddDays(20_000) + (i * scale.Interval),
                Over = scale.Interval,
                Count = instances,
                Instances = samples,
                Traffic = new TrafficSample(samples[0].Cpu!.Value * 100 * instances, 4 * instances, 0.05, 0.15, 0.2),
                StartTime = TimeSpan.FromSeconds(10),
            };
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            var started = Stopwatch.GetTimestamp();
            (_, autoscaler) = autoscaler.Decide(snapshot);
            times[i] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            early += i is >= Early and < Early + Window ? allocated : 0;
            late += i >= decisions - Window ? allocated : 0;
        }

        Array.Sort(times);
        return (times[times.Length / 2], early / Window, late / Window);
    }
}
