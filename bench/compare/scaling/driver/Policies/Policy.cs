using ScalingDriver.Model;
using ScalingDriver.Traces;
using Tenfold.Guide;

namespace ScalingDriver.Policies;

/// <summary>A policy of the comparison.</summary>
/// <param name="Name">What it is asked for by.</param>
/// <param name="What">What it is, for people.</param>
/// <param name="Make">A new one, for a trace.</param>
public sealed record Policy(string Name, string What, Func<Trace, IPilot> Make)
{
    public const string Own = "tenfold", Peer = "hpa", Predicting = "tenfold+predict";

    // Metrics of Kubernetes are 15-s averages that metrics-server collects every 15 s; its loop and the collection are not in step.
    private const int HpaDelay = 7;

    // CloudWatch shows a minute about half a minute after its end.
    private const int CloudWatchDelay = 30;

    private static readonly ScaleMetric Cpu = new() { Metric = ScalingMetric.Cpu, Target = new ScaleTarget(0.7, ScaleUnit.Share) };

    public static IReadOnlyList<Policy> All(InstanceModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return
        [
            new(Own, "Tenfold's default: algorithm demand, cpu 70%", _ => new AutoscalerPilot(new Scale { Min = 2, Max = 50, Metrics = [Cpu] })),
            new(Peer, "Kubernetes' HPA with its defaults, cpu 70%", _ => new AutoscalerPilot(new Scale { Min = 2, Max = 50, Algorithm = ScaleAlgorithm.Hpa, Metrics = [Cpu] }, HpaDelay)),
            new("kpa", "Knative's KPA, in flight what an instance has at 70% of its capacity", _ => new AutoscalerPilot(new Scale { Min = 2, Max = 50, Algorithm = ScaleAlgorithm.Kpa, Metrics = [new ScaleMetric { Metric = ScalingMetric.InFlight, Target = new ScaleTarget(model.InFlightAt(0.7), ScaleUnit.Count) }] })),
            new("kpa-rps", "Knative's KPA on requests/s, 70% of what an instance carries", _ => new AutoscalerPilot(new Scale { Min = 2, Max = 50, Algorithm = ScaleAlgorithm.Kpa, Metrics = [new ScaleMetric { Metric = ScalingMetric.RequestsPerSecond, Target = new ScaleTarget(0.7 * model.Capacity, ScaleUnit.Count) }] })),
            new("aws", "AWS target tracking with its defaults, cpu 70%", _ => new TargetTracking(0.7, 2, 50)),
            new("rez", "docs/scaling/rez.yaml: HPA with a behaviour of its own", _ => new AutoscalerPilot(SeedRules.Read("rez", "api"), HpaDelay)),
            new("rez-alarms", "docs/scaling/rez-alarms.yaml: alarms on minutes of CloudWatch", _ => new AutoscalerPilot(Alarms("rez-alarms"), CloudWatchDelay)),
            new("mercenary", "docs/scaling/mercenary.yaml: alarms on minutes of CloudWatch", _ => new AutoscalerPilot(Alarms("mercenary"), CloudWatchDelay)),
            new("reeyo", "AWS target tracking with reeyo's figures: cpu 70%, 3 to 20, cooldowns 60 s and 300 s", _ => new TargetTracking(0.7, 3, 20, 60, 300)),
            new("eco-bottle", "AWS target tracking with eco-bottle's figures: cpu 70%, 10 to 20, cooldowns 60 s and 180 s", _ => new TargetTracking(0.7, 10, 20, 60, 180)),
            new("tasks", "the three replicas of tasks' deployment", _ => new AutoscalerPilot(new Scale { Min = 3, Max = 3 })),
            new(Predicting, "Tenfold's default with predict, for traces that repeat themselves", trace => new AutoscalerPilot(new Scale { Min = 2, Max = 50, Metrics = [Cpu], Predict = new ScalePrediction { Season = TimeSpan.FromSeconds(trace.Season ?? 86_400) } })),
        ];
    }

    private static Scale Alarms(string system) => SeedRules.Read(system, "api") with { Every = TimeSpan.FromMinutes(1) };
}
