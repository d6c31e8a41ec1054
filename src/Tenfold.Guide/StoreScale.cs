namespace Tenfold.Guide;

/// <summary>How many replicas each database of a PostgreSQL has, and by which rules their number changes while it runs. A system starts with <see cref="Store.Replicas"/>.</summary>
public sealed record StoreScale
{
    /// <summary>Time between two decisions: a new replica is a copy of all data, so there is no hurry.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Lasting = TimeSpan.FromMinutes(5);
    private static readonly IReadOnlyList<ScaleRateLimit> OneByOne = [new() { Instances = 1, Every = TimeSpan.FromMinutes(1) }];

    /// <summary>Fewest replicas. Default 1.</summary>
    [Between("1", "8")]
    public int Min { get; init; } = 1;

    /// <summary>Most replicas. Default: the larger of <see cref="Min"/> and 5.</summary>
    [Between("1", "8")]
    public int? Max { get; init; }

    /// <summary>What replicas are kept at: their <c>cpu</c>, a share of <see cref="Store.Cpu"/>.</summary>
    public IReadOnlyList<ScaleMetric> Metrics { get; init; } = [];

    /// <summary>How fast replicas are added. Default: at most 1 in 1m.</summary>
    public ScaleRate? Out { get; init; }

    /// <summary>How fast replicas are removed. Default: window 5m, at most 1 in 1m.</summary>
    public ScaleRate? In { get; init; }

    /// <summary>Other bounds at certain times.</summary>
    public IReadOnlyList<ScaleSchedule> Schedule { get; init; } = [];

    /// <summary>The same rules as those of a service, with all defaults: replicas are its instances.</summary>
    public Scale Rules => new()
    {
        Min = Min,
        Max = Max ?? Math.Max(Min, 5),
        Metrics = Metrics,
        Out = WithDefaults(Out, TimeSpan.Zero),
        In = WithDefaults(In, Lasting),
        Schedule = Schedule,
        Every = Interval,
    };

    private static ScaleRate WithDefaults(ScaleRate? rate, TimeSpan window)
    {
        var written = rate ?? new ScaleRate();
        return written with
        {
            Window = written.Window ?? window,
            Policies = written is { Policies.Count: 0, Select: not ScaleSelect.Disabled } ? OneByOne : written.Policies,
        };
    }
}
