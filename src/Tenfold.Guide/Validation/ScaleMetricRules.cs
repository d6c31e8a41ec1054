using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

/// <summary>Metrics that instances are kept at, and what holds for every mention of a metric.</summary>
internal static class ScaleMetricRules
{
    public static void Check(string path, string name, Service service, SystemGuide guide, Findings findings)
    {
        var seen = new HashSet<(ScalingMetric, string?)>();
        for (var i = 0; i < service.Scale.Metrics.Count; i++)
        {
            var item = ItemPath.Of($"{path}.metrics", i);
            var metric = service.Scale.Metrics[i];
            if (!findings.IsReadable($"{item}.metric"))
            {
                continue;
            }

            if (service.Scale.Algorithm == ScaleAlgorithm.Kpa && metric.Metric is not (ScalingMetric.InFlight or ScalingMetric.RequestsPerSecond) && findings.IsReadable($"{path}.algorithm"))
            {
                findings.Add($"{item}.metric", $"kpa goes by in-flight or requests-per-second, found {Word(metric.Metric)}; take one of these, or another algorithm");
            }

            Source(item, metric.Metric, metric.Queue, name, service, guide, findings);
            Value($"{item}.target", metric.Metric, metric.Target, findings);
            if (!seen.Add((metric.Metric, metric.Queue)))
            {
                findings.Add(item, $"{Word(metric.Metric)}{(metric.Queue is { } queue ? $" of {queue}" : "")} has a target already; keep one");
            }
        }
    }

    /// <summary>Whether there is such a metric of that service.</summary>
    public static void Source(string item, ScalingMetric metric, string? queue, string name, Service service, SystemGuide guide, Findings findings)
    {
        if (metric.IsOfQueue())
        {
            Queue($"{item}.queue", queue, name, guide, findings);
            return;
        }

        if (findings.IsWritten($"{item}.queue"))
        {
            findings.Add($"{item}.queue", $"{Word(metric)} is not about a queue; remove it, or take queue-depth, queue-age or queue-drain");
        }

        if (metric is ScalingMetric.Cpu && service.Instance.Cpu is null && findings.IsReadable(Instance(name, "cpu")))
        {
            findings.Add($"{item}.metric", "cpu is a share of instance.cpu, and the service has none; set it");
        }

        if (metric is ScalingMetric.Memory && service.Instance.Memory is null && findings.IsReadable(Instance(name, "memory")))
        {
            findings.Add($"{item}.metric", "memory is a share of instance.memory, and the service has none; set it");
        }

        if (metric.IsOfTraffic() && findings.IsReadable("gateway.routes") && !guide.Gateway.Routes.Any(route => route.Service == name || route.Services?.ContainsKey(name) == true))
        {
            findings.Add($"{item}.metric", $"{Word(metric)} is measured at the gateway, and no route leads to {name}; add one, or take another metric");
        }
    }

    /// <summary>Whether a number is one of that metric, and more than nothing.</summary>
    public static void Value(string path, ScalingMetric metric, ScaleTarget value, Findings findings, bool mayBeZero = false)
    {
        // Nothing is 0 in all units.
        if (value.Unit != metric.Unit() && !(mayBeZero && value.Value == 0))
        {
            var form = metric.Unit() switch
            {
                ScaleUnit.Share => "a share of the instance's limit, such as 70%",
                ScaleUnit.Time => "a duration, such as 400ms",
                _ => "a number for each instance, such as 100",
            };
            findings.Add(path, $"{Word(metric)} is {form}; found {value}");
        }
        else if (value.Value < 0 || (value.Value == 0 && !mayBeZero))
        {
            findings.Add(path, $"found {value}; allowed: more than 0");
        }
        else if (metric.Unit() == ScaleUnit.Share && value.Value > 1)
        {
            findings.Add(path, $"found {value}; there is no more than 100% of a limit");
        }
    }

    /// <summary>The word of the guide.</summary>
    public static string Word(ScalingMetric metric) => RecordShape.Kebab(metric.ToString());

    private static void Queue(string path, string? queue, string name, SystemGuide guide, Findings findings)
    {
        if (!findings.IsReadable("queues"))
        {
            return;
        }

        string[] own = [.. guide.Queues.Keys.Where(one => guide.WorksOn(name, one))];
        if (queue is null)
        {
            findings.Add(path, $"is missing; queues that {name} works on: {(own.Length == 0 ? "none" : string.Join(", ", own))}");
        }
        else if (!guide.Queues.ContainsKey(queue))
        {
            findings.Add(path, $"there is no queue '{queue}'{Suggestion.Among(queue, own, $"queues that {name} works on")}");
        }
        else if (!own.Contains(queue, StringComparer.Ordinal) && findings.IsReadable(ItemPath.Of("queues", queue)))
        {
            findings.Add(path, $"{name} does not work on {queue}, so its instances would not empty it; queues that it works on: {(own.Length == 0 ? "none" : string.Join(", ", own))}");
        }
    }

    private static string Instance(string name, string key) => $"{ItemPath.Of("services", name)}.instance.{key}";
}
