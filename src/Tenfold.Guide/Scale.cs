namespace Tenfold.Guide;

/// <summary>How many instances, and by which rules their number changes. Without <see cref="Metrics"/>, <see cref="Steps"/> and <see cref="Schedule"/> it stays at <see cref="Min"/> until somebody scales by hand.</summary>
public sealed record Scale
{
    /// <summary>Fewest instances. Default 1. 0 is for services that no route leads to and that scale on a queue.</summary>
    [Between("0", "1k")]
    public int Min { get; init; } = 1;

    /// <summary>Most instances. Default: the larger of <see cref="Min"/> and 10.</summary>
    [Between("1", "1k")]
    public int? Max { get; init; }

    /// <summary>How the wanted number follows from <see cref="Metrics"/>. Default demand.</summary>
    public ScaleAlgorithm Algorithm { get; init; } = ScaleAlgorithm.Demand;

    /// <summary>What instances are kept at; the metric that asks for most of them counts.</summary>
    public IReadOnlyList<ScaleMetric> Metrics { get; init; } = [];

    /// <summary>Alarms that add or remove instances. Out: the largest change whose alarm sounds. In: only while every one that removes sounds.</summary>
    public IReadOnlyList<ScaleStep> Steps { get; init; } = [];

    /// <summary>How fast instances are added.</summary>
    public ScaleRate? Out { get; init; }

    /// <summary>How fast instances are removed.</summary>
    public ScaleRate? In { get; init; }

    /// <summary>Other bounds at certain times.</summary>
    public IReadOnlyList<ScaleSchedule> Schedule { get; init; } = [];

    /// <summary>Instances ahead of a load that comes back every day or week. Nothing said is no prediction.</summary>
    public ScalePrediction? Predict { get; init; }

    /// <summary>How far a metric may be off its target before the number changes. Default 10%.</summary>
    [Between("0%", "50%")]
    public Percentage Tolerance { get; init; } = new(0.1);

    /// <summary>Time between two decisions. Default: 1s, with kpa 2s, with hpa 15s.</summary>
    [Between("1s", "5m")]
    public TimeSpan? Every { get; init; }

    /// <summary><see cref="Max"/>, or its default.</summary>
    public int Most => Max ?? Math.Max(Min, 10);

    /// <summary><see cref="Every"/>, or its default.</summary>
    public TimeSpan Interval => Every ?? Algorithm switch
    {
        ScaleAlgorithm.Hpa => TimeSpan.FromSeconds(15),
        ScaleAlgorithm.Kpa => TimeSpan.FromSeconds(2),
        _ => TimeSpan.FromSeconds(1),
    };

    /// <summary>The most instances there may ever be: <see cref="Most"/>, or what a schedule allows above it.</summary>
    public int Peak => Schedule.Aggregate(Most, (most, schedule) => Math.Max(most, schedule.Max ?? 0));

    /// <summary><see cref="Out"/> with all defaults, those of the algorithm included.</summary>
    public ScaleRate Outward => WithDefaults(Out, TimeSpan.Zero, [new() { Percent = 100, Every = TimeSpan.FromSeconds(15) }, new() { Instances = 4, Every = TimeSpan.FromSeconds(15) }]);

    /// <summary><see cref="In"/> with all defaults, those of the algorithm included.</summary>
    public ScaleRate Inward => WithDefaults(
        In,
        Algorithm switch { ScaleAlgorithm.Hpa => TimeSpan.FromMinutes(5), ScaleAlgorithm.Kpa => TimeSpan.Zero, _ => TimeSpan.FromMinutes(1) },
        [new() { Percent = 100, Every = TimeSpan.FromSeconds(15) }]);

    /// <summary>Whether anything but a hand changes the number.</summary>
    public bool IsAutomatic => Metrics.Count + Steps.Count + Schedule.Count > 0;

    private ScaleRate WithDefaults(ScaleRate? rate, TimeSpan window, IReadOnlyList<ScaleRateLimit> hpa)
    {
        var written = rate ?? new ScaleRate();
        return written with
        {
            Window = written.Window ?? window,
            Policies = Algorithm == ScaleAlgorithm.Hpa && written is { Policies.Count: 0, Select: not ScaleSelect.Disabled } ? hpa : written.Policies,
        };
    }
}

/// <summary>How the wanted number of instances follows from metrics.</summary>
public enum ScaleAlgorithm
{
    /// <summary>Tenfold's own: from the load that arrives and what a request costs, as soon as it is seen, ahead by as long as an instance takes to start.</summary>
    Demand,

    /// <summary>That of Kubernetes' HorizontalPodAutoscaler.</summary>
    Hpa,

    /// <summary>That of Knative's autoscaler: a stable and a panic window.</summary>
    Kpa,
}

/// <summary>What a rule looks at.</summary>
public enum ScalingMetric
{
    /// <summary>Processor time used, of the instance's limit: a percentage.</summary>
    Cpu,

    /// <summary>Memory used, of the instance's limit: a percentage.</summary>
    Memory,

    /// <summary>Requests a second, per instance.</summary>
    RequestsPerSecond,

    /// <summary>Requests in flight at the gateway, per instance.</summary>
    InFlight,

    /// <summary>Average latency at the gateway: a duration.</summary>
    Average,

    /// <summary>95th percentile of the latency at the gateway: a duration.</summary>
    P95,

    /// <summary>99th percentile of the latency at the gateway: a duration.</summary>
    P99,

    /// <summary>Jobs that are ready and wait, per instance.</summary>
    QueueDepth,

    /// <summary>How long the oldest ready job has waited: a duration.</summary>
    QueueAge,

    /// <summary>How long it takes to work off what waits, beside what arrives: a duration.</summary>
    QueueDrain,
}

/// <summary>A metric and what it is kept at.</summary>
public sealed record ScaleMetric
{
    /// <summary>What is looked at.</summary>
    public required ScalingMetric Metric { get; init; }

    /// <summary>What it is kept at, in the unit of the metric: <c>70%</c>, <c>1000</c>, <c>400ms</c>.</summary>
    public required ScaleTarget Target { get; init; }

    /// <summary>Of which queue; for the metrics of queues only.</summary>
    public string? Queue { get; init; }
}

/// <summary>An alarm and what it changes. Exactly one of <see cref="Above"/> and <see cref="Below"/> is set, and exactly one of <see cref="Change"/>, <see cref="Percent"/> and <see cref="To"/>.</summary>
public sealed record ScaleStep
{
    /// <summary>What is looked at, averaged over the instances.</summary>
    public required ScalingMetric Metric { get; init; }

    /// <summary>Of which queue; for the metrics of queues only.</summary>
    public string? Queue { get; init; }

    /// <summary>Sounds while the metric is higher.</summary>
    public ScaleTarget? Above { get; init; }

    /// <summary>Sounds while the metric is lower.</summary>
    public ScaleTarget? Below { get; init; }

    /// <summary>How long it must have been so, without a break. Default 0s.</summary>
    [Between("0s", "1d")]
    public TimeSpan For { get; init; }

    /// <summary>Instances added, or removed when negative.</summary>
    [Between("-1k", "1k")]
    public int? Change { get; init; }

    /// <summary>Added, or removed when negative, in hundredths of the instances there are; at least one.</summary>
    [Between("-100", "1k")]
    public int? Percent { get; init; }

    /// <summary>The number of instances from then on.</summary>
    [Between("0", "1k")]
    public int? To { get; init; }

    /// <summary>After it has changed the number, for how long no step does in the same direction. Default 0s.</summary>
    [Between("0s", "1d")]
    public TimeSpan Cooldown { get; init; }
}

/// <summary>How fast the number may change in one direction.</summary>
public sealed record ScaleRate
{
    /// <summary>The most cautious wish of this time counts. Default: out 0s; in 1m, with hpa 5m, with kpa 0s.</summary>
    [Between("0s", "1h")]
    public TimeSpan? Window { get; init; }

    /// <summary>After a change in this direction, for how long there is no other in it. Default 0s.</summary>
    [Between("0s", "1d")]
    public TimeSpan Cooldown { get; init; }

    /// <summary>Limits of the change in a time. Default: no limit; with hpa out the larger of 100% and 4 in 15s, in 100% in 15s.</summary>
    public IReadOnlyList<ScaleRateLimit> Policies { get; init; } = [];

    /// <summary>Which of <see cref="Policies"/> counts. Default max.</summary>
    public ScaleSelect Select { get; init; } = ScaleSelect.Max;
}

/// <summary>A limit of the change in a time. Exactly one of <see cref="Percent"/> and <see cref="Instances"/> is set.</summary>
public sealed record ScaleRateLimit
{
    /// <summary>In hundredths of the instances at the beginning of the time.</summary>
    [Between("1", "10k")]
    public int? Percent { get; init; }

    /// <summary>In instances.</summary>
    [Between("1", "1k")]
    public int? Instances { get; init; }

    /// <summary>The time.</summary>
    [Between("1s", "30m")]
    public required TimeSpan Every { get; init; }
}

/// <summary>Which of several limits counts.</summary>
public enum ScaleSelect
{
    /// <summary>The one that allows most.</summary>
    Max,

    /// <summary>The one that allows least.</summary>
    Min,

    /// <summary>None: no change in this direction.</summary>
    Disabled,
}

/// <summary>Other bounds between two times.</summary>
public sealed record ScaleSchedule
{
    /// <summary>Cron expression of when they begin: <c>0 2 * * *</c>. They are in effect while this came later than <see cref="To"/>.</summary>
    public required Cron From { get; init; }

    /// <summary>Cron expression of when they end.</summary>
    public required Cron To { get; init; }

    /// <summary>Fewest instances then. Nothing said: as always.</summary>
    [Between("0", "1k")]
    public int? Min { get; init; }

    /// <summary>Most instances then. Nothing said: as always.</summary>
    [Between("0", "1k")]
    public int? Max { get; init; }

    /// <summary>IANA name of the time zone. Default UTC.</summary>
    public string TimeZone { get; init; } = "UTC";
}

/// <summary>A forecast from the system's own history. It only ever asks for more instances than the metrics do.</summary>
public sealed record ScalePrediction
{
    /// <summary>After what time the load repeats itself. Default 1d.</summary>
    [Between("1m", "7d")]
    public TimeSpan Season { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Forecasts that were off by more than this on average, of the last season, are not followed. Default 30%.</summary>
    [Between("1%", "100%")]
    public Percentage Error { get; init; } = new(0.3);
}
