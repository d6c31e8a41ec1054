using System.Diagnostics.Metrics;

namespace Rez.Search;

/// <summary>
/// How long changes of products took from their merchant's commit to the catalogue's, where they are found: on <c>/metrics</c> as
/// <c>rez_catalogue_published_total</c> by how long it took at most, and <c>rez_catalogue_lag_seconds_total</c>. Thread-safe.
/// </summary>
internal sealed class Freshness : IDisposable
{
    private static readonly (double Seconds, string Name)[] Bounds = [(0.05, "50ms"), (0.1, "100ms"), (0.25, "250ms"), (1, "1s"), (5, "5s"), (30, "30s"), (double.PositiveInfinity, "longer")];

    private readonly Meter _meter = new("Tenfold.Rez"); // the prefix of what /metrics shows
    private readonly long[] _published = new long[Bounds.Length];
    private long _milliseconds;

    public Freshness()
    {
        _meter.CreateObservableCounter(
            "rez.catalogue.published",
            () => Bounds.Select((bound, index) => new Measurement<long>(Interlocked.Read(ref _published[index]), KeyValuePair.Create("within", (object?)bound.Name))),
            description: "Changes of products that have reached the catalogue, by the time since their merchant's commit.");
        _meter.CreateObservableCounter("rez.catalogue.lag", () => Interlocked.Read(ref _milliseconds) / 1000.0, "s", "Time from merchants' commits to the catalogue's, all changes together.");
    }

    /// <summary>Changes that were counted, by the least bound that they kept.</summary>
    internal IReadOnlyList<long> Published => _published;

    /// <summary>A change is in the catalogue.</summary>
    /// <param name="changedAt">By the database's clock, of the merchant's transaction.</param>
    /// <param name="now">By this machine's clock: a difference of both is in the figure.</param>
    public void Count(DateTime changedAt, DateTimeOffset now)
    {
        var lag = Math.Max(0, (now.UtcDateTime - changedAt).TotalSeconds);
        Interlocked.Increment(ref _published[Array.FindIndex(Bounds, bound => lag <= bound.Seconds)]);
        Interlocked.Add(ref _milliseconds, (long)(lag * 1000));
    }

    public void Dispose() => _meter.Dispose();
}
