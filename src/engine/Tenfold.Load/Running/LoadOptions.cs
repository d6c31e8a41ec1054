using Tenfold.Load.Data;

namespace Tenfold.Load.Running;

/// <summary>How to run a load test.</summary>
public sealed record LoadOptions
{
    /// <summary>What is run, for the report: <c>rez api-test</c>.</summary>
    public string Name { get; init; } = "load test";

    /// <summary>The tables that the test names.</summary>
    public IReadOnlyDictionary<string, DataTable> Data { get; init; } = new Dictionary<string, DataTable>();

    /// <summary>Where requests go: scheme, host, port, and a path that all paths of the scenario are put behind.</summary>
    public required Uri Target { get; init; }

    /// <summary>How long the stages together take; null: as they are written.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>Seed of the generators (<c>{{uuid}}</c>, <c>{{random 1 100}}</c>). Default 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Open model: arrivals under way at once, and so connections, at most. Default 10,000.</summary>
    public int MostInFlight { get; init; } = 10_000;

    /// <summary>When a request on a route without a budget's timeout is given up. Default 60 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Open model: the result is invalid if more than 1% of arrivals begin later than this. Default 20 ms.</summary>
    public TimeSpan LagLimit { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Threads that generate. Default: half of the processors, 1 to 8.</summary>
    public int? Threads { get; init; }

    /// <summary>Accept any certificate of an https target. Default false.</summary>
    public bool Insecure { get; init; }
}
