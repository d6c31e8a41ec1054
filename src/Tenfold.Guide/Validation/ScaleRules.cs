using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

/// <summary>Bounds and rates of a service's scaling; its metrics, steps and schedules have rules of their own.</summary>
internal static class ScaleRules
{
    public static void Check(string name, Service service, SystemGuide guide, Findings findings)
    {
        var path = $"{ItemPath.Of("services", name)}.scale";
        if (!findings.IsReadable(path))
        {
            return;
        }

        var scale = service.Scale;
        if (scale.Min > scale.Most && findings.IsReadable($"{path}.min") && findings.IsReadable($"{path}.max"))
        {
            findings.Add($"{path}.min", $"{scale.Min} is more than max {scale.Most}");
        }

        if (scale.Min == 0)
        {
            Zero($"{path}.min", name, scale, guide, findings);
        }

        ScaleMetricRules.Check(path, name, service, guide, findings);
        ScaleStepRules.Check(path, name, service, guide, findings);
        ScaleScheduleRules.Check(path, name, scale, guide, findings);
        Rate($"{path}.out", scale.Outward, 10_000, findings);
        Rate($"{path}.in", scale.Inward, 100, findings);
        Idle(path, scale, findings);
    }

    /// <summary>No instance at all: nobody may be waiting for an answer, and something has to start one again.</summary>
    public static void Zero(string path, string name, Scale scale, SystemGuide guide, Findings findings)
    {
        if (Unanswered(path, name, guide, findings))
        {
            return;
        }

        if (!scale.Metrics.Any(metric => metric.Metric.IsOfQueue()) && !scale.Steps.Any(step => step.Metric.IsOfQueue() && step.Above is not null))
        {
            findings.Add(path, "is 0, and nothing would start an instance again; add a metric of a queue (queue-depth, queue-age, queue-drain), or set it to 1 or more");
        }
    }

    /// <summary>Whether requests would find nobody, which is a finding.</summary>
    public static bool Unanswered(string path, string name, SystemGuide guide, Findings findings)
    {
        for (var i = 0; i < guide.Gateway.Routes.Count; i++)
        {
            var route = guide.Gateway.Routes[i];
            if (route.Service == name || route.Services?.ContainsKey(name) == true)
            {
                findings.Add(path, $"is 0, and gateway.routes[{i}] leads to {name}: its requests would find no instance; set it to 1 or more");
                return true;
            }
        }

        return false;
    }

    /// <summary>How fast the number may change in one direction.</summary>
    public static void Rate(string path, ScaleRate rate, int mostPercent, Findings findings)
    {
        if (rate is { Select: ScaleSelect.Disabled } && findings.IsReadable($"{path}.select"))
        {
            foreach (var key in (ReadOnlySpan<string>)["policies", "window", "cooldown"])
            {
                if (findings.IsWritten($"{path}.{key}"))
                {
                    findings.Add($"{path}.{key}", "has no effect with select: disabled; remove one of them");
                }
            }

            return;
        }

        if (rate.Policies.Count == 0 && findings.IsWritten($"{path}.select") && findings.IsReadable($"{path}.select") && findings.IsReadable($"{path}.policies"))
        {
            findings.Add($"{path}.select", "has no effect without policies; give some, or remove it");
        }

        for (var i = 0; i < rate.Policies.Count; i++)
        {
            var policy = ItemPath.Of($"{path}.policies", i);
            var (percent, instances) = (findings.IsWritten($"{policy}.percent"), findings.IsWritten($"{policy}.instances"));
            if (!findings.IsWritten(policy))
            {
                continue; // a default
            }

            if (percent == instances)
            {
                findings.Add(policy, percent ? "has both percent and instances; keep one" : "needs percent or instances: how many in that time");
            }
            else if (rate.Policies[i].Percent > mostPercent && findings.IsReadable($"{policy}.percent"))
            {
                findings.Add($"{policy}.percent", $"found {rate.Policies[i].Percent}; no more than all can be removed: allowed are 1 to {mostPercent}");
            }
        }
    }

    /// <summary>What has no effect is refused: whoever wrote it expects one.</summary>
    private static void Idle(string path, Scale scale, Findings findings)
    {
        if (!scale.IsAutomatic && findings.IsReadable($"{path}.metrics") && findings.IsReadable($"{path}.steps") && findings.IsReadable($"{path}.schedule"))
        {
            Refuse(path, ["every", "out", "in"], "has no effect: neither metrics nor steps nor a schedule change the number; give one of them, or remove it", findings);
        }

        if (scale.Metrics.Count == 0 && findings.IsReadable($"{path}.metrics"))
        {
            Refuse(path, ["algorithm", "tolerance", "predict"], "has no effect without metrics; give some, or remove it", findings);
        }
        else if (scale.Predict is null && findings.IsReadable($"{path}.algorithm") && findings.IsReadable($"{path}.metrics") && findings.IsReadable($"{path}.predict"))
        {
            if (scale.Algorithm == ScaleAlgorithm.Kpa)
            {
                Refuse(path, ["tolerance"], "has no effect with algorithm: kpa, which goes by its windows; remove it, or take another algorithm", findings);
            }
            else if (scale.Algorithm == ScaleAlgorithm.Demand && scale.Metrics.All(metric => metric.Metric is ScalingMetric.Average or ScalingMetric.P95 or ScalingMetric.P99))
            {
                Refuse(path, ["tolerance"], "has no effect on latencies, whose target is the most that they may be; remove it", findings);
            }
        }
    }

    private static void Refuse(string path, ReadOnlySpan<string> keys, string message, Findings findings)
    {
        foreach (var key in keys)
        {
            if (findings.IsWritten($"{path}.{key}"))
            {
                findings.Add($"{path}.{key}", message);
            }
        }
    }
}
