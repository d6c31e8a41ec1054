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

    private static readonly ScaleMetric Cpu = Share(ScalingMetric.Cpu, 0.7);
    private static readonly ScaleMetric Memory = Share(ScalingMetric.Memory, 0.8);

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
            new("rez-asg", "rez: cpu > 75% for 4 min: +2, < 30% for 10 min: -1, cooldown 5 min", _ => new AutoscalerPilot(RezAsg, CloudWatchDelay)),
            new("rez-hpa", "rez: HPA on cpu 70%, memory 80%, 1,000 requests/s; its own behaviour", _ => new AutoscalerPilot(RezHpa, HpaDelay)),
            new("mercenary", "mercenary: cpu > 70% or memory > 80% for 5 min, > 1,000 requests/min: +2; cpu < 30% and memory < 50% for 15 min: -1", _ => new AutoscalerPilot(Mercenary, CloudWatchDelay)),
            new("reeyo", "reeyo: AWS target tracking, cpu 70%, cooldowns 60 s and 300 s", _ => new TargetTracking(0.7, 3, 20, 60, 300)),
            new("eco-bottle", "eco-bottle: AWS target tracking, cpu 70%, cooldowns 60 s and 180 s", _ => new TargetTracking(0.7, 2, 10, 60, 180)),
            new("tasks", "tasks: three instances", _ => new AutoscalerPilot(new Scale { Min = 3, Max = 3 })),
            new(Predicting, "Tenfold's default with predict, for traces that repeat themselves", trace => new AutoscalerPilot(new Scale { Min = 2, Max = 50, Metrics = [Cpu], Predict = new ScalePrediction { Season = TimeSpan.FromSeconds(trace.Season ?? 86_400) } })),
        ];
    }

    private static Scale RezAsg => new()
    {
        Min = 2,
        Max = 20,
        Every = TimeSpan.FromMinutes(1),
        Steps =
        [
            new ScaleStep { Metric = ScalingMetric.Cpu, Above = new ScaleTarget(0.75, ScaleUnit.Share), For = TimeSpan.FromMinutes(4), Change = 2, Cooldown = TimeSpan.FromMinutes(5) },
            new ScaleStep { Metric = ScalingMetric.Cpu, Below = new ScaleTarget(0.3, ScaleUnit.Share), For = TimeSpan.FromMinutes(10), Change = -1, Cooldown = TimeSpan.FromMinutes(5) },
        ],
    };

    private static Scale RezHpa => new()
    {
        Min = 3,
        Max = 50,
        Algorithm = ScaleAlgorithm.Hpa,
        Metrics = [Cpu, Memory, new ScaleMetric { Metric = ScalingMetric.RequestsPerSecond, Target = new ScaleTarget(1000, ScaleUnit.Count) }],
        Out = new ScaleRate
        {
            Window = TimeSpan.Zero,
            Policies = [new ScaleRateLimit { Percent = 100, Every = TimeSpan.FromSeconds(30) }, new ScaleRateLimit { Instances = 4, Every = TimeSpan.FromSeconds(30) }],
        },
        In = new ScaleRate { Window = TimeSpan.FromSeconds(300), Policies = [new ScaleRateLimit { Percent = 50, Every = TimeSpan.FromSeconds(60) }] },
    };

    private static Scale Mercenary => new()
    {
        Min = 2,
        Max = 20,
        Every = TimeSpan.FromMinutes(1),
        Steps =
        [
            Out(ScalingMetric.Cpu, new ScaleTarget(0.7, ScaleUnit.Share), 5),
            Out(ScalingMetric.Memory, new ScaleTarget(0.8, ScaleUnit.Share), 5),
            Out(ScalingMetric.RequestsPerSecond, new ScaleTarget(1000 / 60.0, ScaleUnit.Count), 0),
            In(ScalingMetric.Cpu, 0.3),
            In(ScalingMetric.Memory, 0.5),
        ],
    };

    private static ScaleMetric Share(ScalingMetric metric, double target) => new() { Metric = metric, Target = new ScaleTarget(target, ScaleUnit.Share) };

    private static ScaleStep Out(ScalingMetric metric, ScaleTarget above, int minutes) =>
        new() { Metric = metric, Above = above, For = TimeSpan.FromMinutes(minutes), Change = 2, Cooldown = TimeSpan.FromMinutes(5) };

    private static ScaleStep In(ScalingMetric metric, double below) =>
        new() { Metric = metric, Below = new ScaleTarget(below, ScaleUnit.Share), For = TimeSpan.FromMinutes(15), Change = -1, Cooldown = TimeSpan.FromMinutes(5) };
}
