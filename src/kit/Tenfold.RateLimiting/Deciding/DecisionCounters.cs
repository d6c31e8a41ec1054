using System.Diagnostics.Metrics;

namespace Tenfold.RateLimiting.Deciding;

/// <summary>Meter <c>Tenfold.RateLimiting</c>: requests by who decided and how, all together and by limit. Thread-safe, no lock.</summary>
internal sealed class DecisionCounters : IDisposable
{
    private static readonly string[] Sources = ["redis", "insurance", "deny-cache"];

    private readonly Meter _meter = new("Tenfold.RateLimiting");
    private readonly IReadOnlyList<Quota> _quotas;
    private readonly long[] _decisions = new long[Sources.Length * 2];
    private readonly long[] _byQuota;
    private long _asked;

    public DecisionCounters(IReadOnlyList<Quota> quotas, Func<bool> isInsured)
    {
        (_quotas, _byQuota) = (quotas, new long[quotas.Count * Sources.Length * 2]);
        _meter.CreateObservableCounter("tenfold.ratelimit.decisions", Decisions, "{decision}", "Requests that were let through or refused, by who decided.");
        _meter.CreateObservableCounter("tenfold.ratelimit.refusals", Refusals, "{request}", "Refusals, by the limit that refused.");
        _meter.CreateObservableCounter("tenfold.ratelimit.roundtrips", () => Volatile.Read(ref _asked), "{roundtrip}", "Times that Redis was asked, each time about one request or many.");
        _meter.CreateObservableGauge("tenfold.ratelimit.insured", () => isInsured() ? 1 : 0, description: "1 while this process decides on its own because Redis is away.");
    }

    /// <summary>How often Redis was asked.</summary>
    public long RoundTrips => Volatile.Read(ref _asked);

    /// <summary>What each limit said, by who decided: every combination.</summary>
    public IEnumerable<QuotaCount> Counts()
    {
        for (var i = 0; i < _byQuota.Length; i++)
        {
            yield return new QuotaCount(_quotas[i / _decisions.Length], (DecisionSource)(i % _decisions.Length / 2), i % 2 == 0, Volatile.Read(ref _byQuota[i]));
        }
    }

    public void Asked() => Interlocked.Increment(ref _asked);

    public void Decided(DecisionSource source, bool allowed) => Interlocked.Increment(ref _decisions[IndexOf(source, allowed)]);

    /// <summary>What one of the limits said.</summary>
    public void Decided(int quota, DecisionSource source, bool allowed) => Interlocked.Increment(ref _byQuota[(quota * _decisions.Length) + IndexOf(source, allowed)]);

    public void Dispose() => _meter.Dispose();

    private static int IndexOf(DecisionSource source, bool allowed) => ((int)source * 2) + (allowed ? 0 : 1);

    private IEnumerable<Measurement<long>> Decisions()
    {
        for (var i = 0; i < _decisions.Length; i++)
        {
            yield return new Measurement<long>(
                Volatile.Read(ref _decisions[i]), KeyValuePair.Create<string, object?>("source", Sources[i / 2]), KeyValuePair.Create<string, object?>("outcome", i % 2 == 0 ? "allowed" : "refused"));
        }
    }

    private IEnumerable<Measurement<long>> Refusals() => Counts().Where(count => !count.Passed).GroupBy(count => count.Quota.Name, StringComparer.Ordinal)
        .Select(limit => new Measurement<long>(limit.Sum(count => count.Requests), KeyValuePair.Create<string, object?>("limit", limit.Key)));
}
