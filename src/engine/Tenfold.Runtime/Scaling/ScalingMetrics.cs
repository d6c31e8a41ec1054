using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Tenfold.Runtime.Instances;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Scaling;

/// <summary>What is to be known of the autoscaler, in Prometheus text format; listed in docs/scaling.md. Thread-safe.</summary>
internal sealed class ScalingMetrics
{
    private readonly ConcurrentDictionary<(string Service, string Direction, ScalingLimit Limit), long> _decisions = [];

    /// <summary>Counts a decision.</summary>
    public void Count(ScalingDecision decision) => _decisions.AddOrUpdate((decision.Service, decision.Direction, decision.Limit), 1, (_, n) => n + 1);

    /// <summary>Writes all.</summary>
    public void Write(IBufferWriter<byte> output, IEnumerable<ServiceSupervisor> services, IReadOnlyDictionary<string, ServiceScaler> scalers)
    {
        var text = new StringBuilder(2048);
        var all = services.ToList();
        var automatic = all.Where(service => scalers.ContainsKey(service.Name)).ToList();
        Family("wanted", "gauge", "Instances that the service is to have.");
        all.ForEach(service => Line("wanted", Of(service), service.Wanted));
        Family("min", "gauge", "Fewest instances by the guide.");
        all.ForEach(service => Line("min", Of(service), service.Min));
        Family("max", "gauge", "Most instances by the guide.");
        all.ForEach(service => Line("max", Of(service), service.Max));
        Family("instances", "gauge", "Instances by what they are doing.");
        foreach (var service in all)
        {
            var phases = service.Instances.Select(instance => ServiceSampler.PhaseOf(instance.Status, service.IsLeaving(instance), null)).ToLookup(phase => phase);
            foreach (var phase in Enum.GetValues<InstancePhase>())
            {
                Line("instances", $"{Of(service)},phase=\"{phase.ToString().ToLowerInvariant()}\"", phases[phase].Count());
            }
        }

        Family("start_seconds", "gauge", "90th percentile of the last ten starts, from the start of the process until it was ready.");
        foreach (var service in all.Where(service => service.StartTimes.P90 is not null))
        {
            Line("start_seconds", Of(service), service.StartTimes.P90!.Value.TotalSeconds);
        }

        Family("pinned", "gauge", "1 while the number was set by hand.");
        automatic.ForEach(service => Line("pinned", Of(service), scalers[service.Name].Status.Pinned is null ? 0 : 1));
        Family("faults_total", "counter", "Decisions that failed; the instances stayed as they were.");
        automatic.ForEach(service => Line("faults_total", Of(service), scalers[service.Name].Faults));
        Family("decisions_total", "counter", "Decisions that were written down, by direction and what limited them.");
        foreach (var (key, n) in _decisions.OrderBy(one => one.Key.Service, StringComparer.Ordinal).ThenBy(one => one.Key.Direction, StringComparer.Ordinal).ThenBy(one => one.Key.Limit))
        {
            Line("decisions_total", $"service=\"{key.Service}\",direction=\"{key.Direction}\",limit=\"{Word(key.Limit)}\"", n);
        }

        output.Write(Encoding.UTF8.GetBytes(text.ToString()));

        void Family(string name, string type, string help) => text.Append(CultureInfo.InvariantCulture, $"# HELP tenfold_scaling_{name} {help}\n# TYPE tenfold_scaling_{name} {type}\n");

        void Line(string name, string labels, double value) => text.Append(CultureInfo.InvariantCulture, $"tenfold_scaling_{name}{{{labels}}} {value}\n");

        static string Of(ServiceSupervisor service) => $"service=\"{service.Name}\"";
    }

    /// <summary><c>missing-data</c>.</summary>
    internal static string Word(ScalingLimit limit) => limit == ScalingLimit.MissingData ? "missing-data" : limit.ToString().ToLowerInvariant();
}
