namespace Tenfold.Guide;

/// <summary>A size that the system is to reach, and what it promises then. A load test that names it has to hold it.</summary>
public sealed record Milestone
{
    /// <summary>Users at the same time: the milestone's name.</summary>
    [Between("1", "1000M")]
    public required int Users { get; init; }

    /// <summary>Requests a second that are answered well.</summary>
    [Between("0", "100M")]
    public double? RequestsPerSecond { get; init; }

    /// <summary>95th percentile of the latency of all requests.</summary>
    [Between("1us", "1d")]
    public TimeSpan? P95 { get; init; }

    /// <summary>Share of requests that are answered well.</summary>
    [Between("0%", "100%")]
    public Percentage? Availability { get; init; }
}
