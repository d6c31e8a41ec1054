using System.Runtime.InteropServices;
using Tenfold.Gateway.Instances;
using Tenfold.Wire.Latency;

namespace Tenfold.Gateway.Metrics;

/// <summary>What the gateway has counted of one service up to one moment. Immutable; an interval is the difference of two.</summary>
/// <param name="Answered">Requests that an instance was asked for and that are over, however they ended.</param>
/// <param name="Served">Of these, those that got an answer, and not one with 5xx. What is in neither this nor <paramref name="Failed"/> is who went away.</param>
/// <param name="Failed">Of these, those that got a 5xx, the gateway's own when there was no answer in time included.</param>
/// <param name="Refused">Requests that no instance could be found for.</param>
/// <param name="InFlight">Requests that instances are answering, and those that wait for a connection to one.</param>
/// <param name="Latency">Of those that are over.</param>
/// <param name="Instances">The instances there are now.</param>
public sealed record ServiceTraffic(long Answered, long Served, long Failed, long Refused, long InFlight, LatencySnapshot Latency, IReadOnlyList<InstanceTraffic> Instances)
{
    /// <summary>Requests that arrived: those that are over, those that were refused and those in flight.</summary>
    public long Arrived => Answered + Refused + InFlight;

    internal static ServiceTraffic Of(ServiceInstances service, long now)
    {
        var latency = new LatencySum();
        var (all, gone) = service.Look();
        long answered = 0, served = 0, failed = 0, refused = 0, inFlight = 0;
        foreach (var series in gone)
        {
            if (series is not null)
            {
                (answered, served, failed) = (answered + series.Requests, served + series.Served, failed + series.Errors);
                latency.Add(series.Latency);
            }
        }

        foreach (var series in service.OwnSeries)
        {
            refused += series?.Failed ?? 0; // the rest was refused on purpose: over a rate limit, a body that is too large
        }

        var instances = new InstanceTraffic[all.Length];
        for (var i = 0; i < instances.Length; i++)
        {
            long own = 0;
            foreach (var series in all[i].AllSeries)
            {
                if (series is not null)
                {
                    (own, served, failed) = (own + series.Requests, served + series.Served, failed + series.Failed);
                    latency.Add(series.Latency);
                }
            }

            var flying = all[i].InFlight;
            instances[i] = new InstanceTraffic(all[i].Upstream.Instance, all[i].State(now), own + flying, flying);
            answered += own;
            inFlight += flying;
        }

        return new ServiceTraffic(answered, served, failed, refused, inFlight, latency.ToSnapshot(), instances);
    }
}

/// <summary>What the gateway has counted of one instance.</summary>
/// <param name="Instance">Its name. One that is added again after it was removed begins at zero.</param>
/// <param name="State">Whether it gets requests.</param>
/// <param name="Begun">Requests that it was given; those that were tried again elsewhere count there.</param>
/// <param name="InFlight">Those that it is answering, and those that wait for a connection to it.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct InstanceTraffic(string Instance, InstanceState State, long Begun, int InFlight);
