using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

/// <summary>Replicas whose number changes.</summary>
internal static class StoreScaleRules
{
    public static void Check(string store, string name, Store settings, SystemGuide guide, Findings findings)
    {
        var path = $"{store}.scale";
        if (settings is not { Scale: { } scale, Engine: StoreEngine.Postgres } || !findings.IsReadable(path))
        {
            return;
        }

        if (guide.Services.ContainsKey(name))
        {
            findings.AddToKey(store, $"'{name}' is a service, too, and 'tenfold scale' would not know which of them is meant; take another name");
        }

        var rules = scale.Rules;
        if (rules.Min > rules.Most && findings.IsReadable($"{path}.min") && findings.IsReadable($"{path}.max"))
        {
            findings.Add($"{path}.min", $"{rules.Min} is more than max {rules.Most}");
        }
        else if (findings.IsWritten($"{store}.replicas") && (settings.Replicas < rules.Min || settings.Replicas > rules.Most))
        {
            findings.Add($"{store}.replicas", $"found {settings.Replicas}; with scale it is the number at first: min {rules.Min} to max {rules.Most}");
        }

        Metrics(store, settings, findings);
        for (var i = 0; i < scale.Schedule.Count; i++)
        {
            Schedule(ItemPath.Of($"{path}.schedule", i), scale.Schedule[i], rules, findings);
        }

        ScaleRules.Rate($"{path}.out", rules.Outward, 10_000, findings);
        ScaleRules.Rate($"{path}.in", rules.Inward, 100, findings);
        foreach (var key in (ReadOnlySpan<string>)["out", "in"])
        {
            if (!rules.IsAutomatic && findings.IsWritten($"{path}.{key}") && findings.IsReadable($"{path}.metrics") && findings.IsReadable($"{path}.schedule"))
            {
                findings.Add($"{path}.{key}", "has no effect: neither metrics nor a schedule change the number; give one of them, or remove it");
            }
        }
    }

    private static void Metrics(string store, Store settings, Findings findings)
    {
        for (var i = 0; i < settings.Scale!.Metrics.Count; i++)
        {
            var (item, metric) = (ItemPath.Of($"{store}.scale.metrics", i), settings.Scale.Metrics[i]);
            if (!findings.IsReadable($"{item}.metric"))
            {
                continue;
            }

            if (metric.Metric != ScalingMetric.Cpu)
            {
                findings.Add($"{item}.metric", $"replicas are scaled by cpu, found {ScaleMetricRules.Word(metric.Metric)}");
                continue;
            }

            if (settings.Cpu is null && findings.IsReadable($"{store}.cpu"))
            {
                findings.Add($"{item}.metric", $"cpu is a share of {store}.cpu, and the store has none; set it");
            }

            if (i > 0)
            {
                findings.Add(item, "cpu has a target already; keep one");
            }

            if (findings.IsWritten($"{item}.queue"))
            {
                findings.Add($"{item}.queue", "cpu is not about a queue; remove it");
            }

            ScaleMetricRules.Value($"{item}.target", metric.Metric, metric.Target, findings);
        }
    }

    private static void Schedule(string item, ScaleSchedule schedule, Scale rules, Findings findings)
    {
        if (!findings.IsReadable(item))
        {
            return;
        }

        ScaleScheduleRules.Times(item, schedule, findings);
        foreach (var (key, value) in (ReadOnlySpan<(string, int?)>)[("min", schedule.Min), ("max", schedule.Max)])
        {
            if (value is < 1 or > 8 && findings.IsReadable($"{item}.{key}"))
            {
                findings.Add($"{item}.{key}", $"found {value}; allowed: 1 to 8");
                return;
            }
        }

        ScaleScheduleRules.Order(item, schedule, rules, "store", findings);
    }
}
