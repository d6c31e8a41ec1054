using System.Net;
using Tenfold.Gateway.Health;

namespace Tenfold.Gateway.Metrics;

/// <summary>What the gateway has counted up to one moment, and how its instances are. Immutable; an interval is the difference of two.</summary>
/// <param name="At">When it was taken.</param>
/// <param name="ClientConnections">HTTP/1 connections that are open and HTTP/2 requests that are being answered.</param>
/// <param name="Series">Every combination of route, service and instance that has been met.</param>
/// <param name="Instances">The instances there are now.</param>
public sealed record GatewaySnapshot(DateTimeOffset At, int ClientConnections, IReadOnlyList<LabelledSeries> Series, IReadOnlyList<InstanceSnapshot> Instances)
{
    /// <summary>All requests together.</summary>
    public SeriesSnapshot Total => Sum(Series);

    /// <summary>By route: the budget's that a request fits (<c>GET /api/products/{id}</c>), else the gateway route's path; <c>none</c> fits no route.</summary>
    public IReadOnlyDictionary<string, SeriesSnapshot> ByRoute => By(series => series.Route);

    /// <summary>By service; empty is no service.</summary>
    public IReadOnlyDictionary<string, SeriesSnapshot> ByService => By(series => series.Service);

    /// <summary>What requests met on one instance.</summary>
    public SeriesSnapshot Of(string service, string instance) => Sum(Series.Where(series =>
        string.Equals(series.Service, service, StringComparison.Ordinal) && string.Equals(series.Instance, instance, StringComparison.Ordinal)));

    private Dictionary<string, SeriesSnapshot> By(Func<LabelledSeries, string> key) =>
        Series.GroupBy(key, StringComparer.Ordinal).ToDictionary(group => group.Key, Sum, StringComparer.Ordinal);

    private static SeriesSnapshot Sum(IEnumerable<LabelledSeries> series) =>
        series.Aggregate(SeriesSnapshot.Empty, (sum, next) => sum.Plus(next.Requests));
}

/// <summary>What requests met on one route and instance.</summary>
/// <param name="Route">See <see cref="GatewaySnapshot.ByRoute"/>.</param>
/// <param name="Service">Empty when the request fitted no route.</param>
/// <param name="Instance">Empty for requests that reached none, and for instances that are gone.</param>
/// <param name="Requests">The counts.</param>
public sealed record LabelledSeries(string Route, string Service, string Instance, SeriesSnapshot Requests);

/// <summary>How one instance is.</summary>
/// <param name="Service">Its service.</param>
/// <param name="Instance">Its name.</param>
/// <param name="EndPoint">Where it listens.</param>
/// <param name="State">Whether it gets requests.</param>
/// <param name="Share">0.1 to 1: the part of its weight that slow start leaves it.</param>
/// <param name="InFlight">Requests it is answering, and those that wait.</param>
/// <param name="Waiting">Requests that wait for a connection to it.</param>
/// <param name="Failures">Tries that failed in a way that counts against it, ever.</param>
/// <param name="LastCheck">The last active check; null before the first.</param>
public sealed record InstanceSnapshot(
    string Service, string Instance, EndPoint EndPoint, InstanceState State, double Share, int InFlight, int Waiting, long Failures, CheckResult? LastCheck);
