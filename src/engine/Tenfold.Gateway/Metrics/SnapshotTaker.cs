using Tenfold.Gateway.Forwarding;
using Tenfold.Gateway.Instances;

namespace Tenfold.Gateway.Metrics;

/// <summary>Adds up what instances, gone instances and the gateway itself have counted.</summary>
internal static class SnapshotTaker
{
    public static GatewaySnapshot Take(IEnumerable<ServiceInstances> services, string[] labels, Series unrouted, int clients, DateTimeOffset at, long now)
    {
        var series = new List<LabelledSeries>();
        var instances = new List<InstanceSnapshot>();
        var none = unrouted.Snapshot();
        if (none.Requests > 0)
        {
            series.Add(new LabelledSeries(labels[0], "", "", none));
        }

        foreach (var service in services)
        {
            var (all, gone) = service.Look();
            for (var label = 0; label < labels.Length; label++)
            {
                var own = service.OwnSeries[label]?.Snapshot();
                var rest = gone[label] is { } left ? own?.Plus(left) ?? left : own;
                if (rest is not null)
                {
                    series.Add(new LabelledSeries(labels[label], service.Name, "", rest));
                }
            }

            foreach (var instance in all)
            {
                for (var label = 0; label < labels.Length; label++)
                {
                    if (instance.AllSeries[label]?.Snapshot() is { } met)
                    {
                        series.Add(new LabelledSeries(labels[label], service.Name, instance.Upstream.Instance, met));
                    }
                }

                var upstream = instance.Upstream;
                instances.Add(new InstanceSnapshot(
                    upstream.Service, upstream.Instance, upstream.EndPoint, instance.State(now), instance.Share(now), instance.InFlight, instance.Connections.Waiting, Volatile.Read(ref instance.Failures), instance.LastCheck));
            }
        }

        return new GatewaySnapshot(at, clients, series, instances);
    }

    /// <summary>Requests that instances are answering, by route, service and instance: counted when asked for, so that requests pay nothing for it.</summary>
    public static Dictionary<(string Route, string Service, string Instance), int> InFlight(IEnumerable<ClientExchange> exchanges, string[] labels)
    {
        var counts = new Dictionary<(string, string, string), int>();
        foreach (var exchange in exchanges)
        {
            var flight = exchange.Flight;
            if (flight.Instance is { } instance)
            {
                var key = (labels[flight.Label], instance.Upstream.Service, instance.Upstream.Instance);
                counts[key] = counts.GetValueOrDefault(key) + 1;
            }
        }

        return counts;
    }
}
