using Tenfold.Guide;
using Tenfold.Load.Pacing;

namespace Tenfold.Load.Results;

/// <summary>One line of the report.</summary>
/// <param name="Name">Method and path: the budget's route, or the step's own path without its query.</param>
/// <param name="Budget">What it is judged by; null when the guide has no budget for it.</param>
/// <param name="Stats">What was measured.</param>
public sealed record RouteResult(string Name, Budget? Budget, RouteStats Stats);

/// <summary>How well the generator kept its own schedule.</summary>
/// <param name="Planned">Arrivals that the stages ask for up to the end (open model); 0 in a closed one.</param>
/// <param name="Started">Arrivals that began.</param>
/// <param name="Dropped">Arrivals that could not begin: as many as allowed were under way.</param>
/// <param name="MostInFlight">That limit.</param>
/// <param name="LocalFailures">Connections that this machine could not open: out of ports or files.</param>
/// <param name="LagP99">99 of 100 arrivals (open model) or pauses (closed) ended no later than this after their time.</param>
/// <param name="LagMax">The latest one.</param>
/// <param name="LagLimit">What <paramref name="LagP99"/> may be.</param>
/// <param name="BusyShare">Share of its time that the busiest thread of the generator worked, 0 to 1.</param>
public sealed record ScheduleResult(long Planned, long Started, long Dropped, int MostInFlight, long LocalFailures, TimeSpan LagP99, TimeSpan LagMax, TimeSpan LagLimit, double BusyShare);

/// <summary>A change of the number of a service's instances while the test ran.</summary>
/// <param name="At">Since the beginning of the test.</param>
/// <param name="Service">The service.</param>
/// <param name="From">Instances wanted before.</param>
/// <param name="To">Instances wanted since.</param>
/// <param name="Reason">Why, in one sentence.</param>
public sealed record LoadMark(TimeSpan At, string Service, int From, int To, string Reason);

/// <summary>What a load test measured. Read-only once made.</summary>
public sealed record LoadResult
{
    /// <summary>What was run: <c>rez api-test</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Where requests went.</summary>
    public required Uri Target { get; init; }

    public required LoadModel Model { get; init; }

    /// <summary>The stages as they were run, compressed if so asked.</summary>
    public required IReadOnlyList<LoadStage> Stages { get; init; }

    /// <summary>From the first request to the last answer.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Routes that had at least one request, budgets' routes first.</summary>
    public required IReadOnlyList<RouteResult> Routes { get; init; }

    /// <summary>All routes together.</summary>
    public required RouteStats Total { get; init; }

    /// <summary>All routes together, second by second.</summary>
    public Timeline Timeline { get; init; } = new();

    /// <summary>Scenarios run to their end.</summary>
    public required long Iterations { get; init; }

    /// <summary>Requests without an answer when an interrupted test was ended.</summary>
    public long Unanswered { get; init; }

    /// <summary>The test was ended before its stages were.</summary>
    public bool Interrupted { get; init; }

    public required ScheduleResult Schedule { get; init; }

    /// <summary>How the instances' caches answered meanwhile; null where that is not known, or nothing was read.</summary>
    public CacheUse? Cache { get; init; }

    /// <summary>Changes of the number of instances meanwhile, in their order; empty where that is not known.</summary>
    public IReadOnlyList<LoadMark> Marks { get; init; } = [];

    /// <summary>Requests a second that ended, over <see cref="Elapsed"/>.</summary>
    public double RateOf(RouteStats stats) => Elapsed > TimeSpan.Zero ? stats.Count / Elapsed.TotalSeconds : 0;
}
