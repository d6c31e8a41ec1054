using Tenfold.Guide;

namespace Tenfold.Scaling.Tests.Support;

/// <summary>Snapshots as tests need them.</summary>
internal static class Seen
{
    public static readonly DateTimeOffset Noon = new(2026, 7, 1, 12, 0, 0, TimeSpan.Zero);

    public static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    public static ScaleTarget Share(double share) => new(share, ScaleUnit.Share);

    public static ScaleTarget Count(double count) => new(count, ScaleUnit.Count);

    public static ScaleTarget Time(double seconds) => new(seconds, ScaleUnit.Time);

    public static ScaleMetric Cpu(double target) => new() { Metric = ScalingMetric.Cpu, Target = Share(target) };

    public static ScaleMetric Requests(double target) => new() { Metric = ScalingMetric.RequestsPerSecond, Target = Count(target) };

    public static InstanceSample Ready(double? cpu = null, double? requests = null, double? inFlight = null, double? memory = null) => new()
    {
        Phase = InstancePhase.Ready, Age = TimeSpan.FromHours(1), ReadyFor = TimeSpan.FromHours(1), Cpu = cpu, RequestsPerSecond = requests, InFlight = inFlight, Memory = memory,
    };

    public static InstanceSample Starting(double? cpu = null) => new() { Phase = InstancePhase.Starting, Age = Seconds(3), Cpu = cpu };

    public static InstanceSample Leaving(double? cpu = null) => Ready(cpu) with { Phase = InstancePhase.Leaving };

    public static Snapshot Of(params InstanceSample[] instances) => At(0, instances);

    public static Snapshot At(double seconds, params InstanceSample[] instances) => new()
    {
        Now = Seconds(seconds), At = Noon + Seconds(seconds), Over = Seconds(15), Count = instances.Count(one => one.Phase != InstancePhase.Leaving), Instances = instances,
    };
}
