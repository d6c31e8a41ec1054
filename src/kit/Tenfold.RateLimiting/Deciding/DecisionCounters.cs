using System.Diagnostics.Metrics;

namespace Tenfold.RateLimiting.Deciding;

/// <summary>Meter <c>Tenfold.RateLimiting</c>: decisions by who decided and how, refusals by limit. Thread-safe, no lock.</summary>
internal sealed class DecisionCounters : IDisposable
{
    private static readonly string[] Sources = ["redis", "insurance", "deny-cache"];

    private readonly Meter _meter = new("Tenfold.RateLimiting");
    private readonly long[] _decisions = new long[Sources.Length * 2];
    private readonly long[] _refusals;
    private long _asked;

    public DecisionCounters(IReadOnlyList<Quota> quotas, Func<bool> isInsured)
    {
        _refusals = new long[quotas.Count];
        _meter.CreateObservableCounter("tenfold.ratelimit.decisions", Decisions, "{decision}", "Requests that were let through or refused, by who decided.");
        _meter.CreateObservableCounter("tenfold.ratelimit.refusals", () => Refusals(quotas), "{request}", "Refusals, by the limit that refused.");
        _meter.CreateObservableCounter("tenfold.ratelimit.roundtrips", () => Volatile.Read(ref _asked), "{roundtrip}", "Times that Redis was asked; each decides one request or many.");
        _meter.CreateObservableGauge("tenfold.ratelimit.insured", () => isInsured() ? 1 : 0, description: "1 while this process decides on its own because Redis is away.");
    }

    public void Decided(DecisionSource source, bool allowed) => Interlocked.Increment(ref _decisions[((int)source * 2) + (allowed ? 0 : 1)]);

    public void Asked() => Interlocked.Increment(ref _asked);

    public void Refused(int quota) => Interlocked.Increment(ref _refusals[quota]);

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Decisions()
    {
        for (var i = 0; i < _decisions.Length; i++)
        {
            yield return new Measurement<long>(
                Volatile.Read(ref _decisions[i]), KeyValuePair.Create<string, object?>("source", Sources[i / 2]), KeyValuePair.Create<string, object?>("outcome", i % 2 == 0 ? "allowed" : "refused"));
        }
    }

    private IEnumerable<Measurement<long>> Refusals(IReadOnlyList<Quota> quotas)
    {
        for (var i = 0; i < _refusals.Length; i++)
        {
            yield return new Measurement<long>(Volatile.Read(ref _refusals[i]), KeyValuePair.Create<string, object?>("limit", quotas[i].Name));
        }
    }
}
