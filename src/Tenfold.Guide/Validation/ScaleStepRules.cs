using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

/// <summary>Alarms and what they change.</summary>
internal static class ScaleStepRules
{
    private static readonly string[] Effects = ["change", "percent", "to"];

    public static void Check(string path, string name, Service service, SystemGuide guide, Findings findings)
    {
        var steps = service.Scale.Steps;
        for (var i = 0; i < steps.Count; i++)
        {
            var item = ItemPath.Of($"{path}.steps", i);
            if (!findings.IsReadable(item) || !findings.IsReadable($"{item}.metric"))
            {
                continue;
            }

            ScaleMetricRules.Source(item, steps[i].Metric, steps[i].Queue, name, service, guide, findings);
            var alarm = Alarm(item, steps[i], findings);
            if (Effect(item, steps[i], service.Scale, findings) && alarm)
            {
                Direction(item, steps[i], findings);
                Contradiction(path, steps, i, findings);
            }
        }
    }

    private static bool Alarm(string item, ScaleStep step, Findings findings)
    {
        var (above, below) = (findings.IsWritten($"{item}.above"), findings.IsWritten($"{item}.below"));
        if (above == below)
        {
            findings.Add(item, above ? "has both above and below; keep one" : "needs above or below: when its alarm sounds");
            return false;
        }

        if ((step.Above ?? step.Below) is { } value)
        {
            ScaleMetricRules.Value($"{item}.{(above ? "above" : "below")}", step.Metric, value, findings, mayBeZero: above);
        }

        return true;
    }

    private static bool Effect(string item, ScaleStep step, Scale scale, Findings findings)
    {
        string[] written = [.. Effects.Where(key => findings.IsWritten($"{item}.{key}"))];
        if (written.Length != 1)
        {
            findings.Add(item, written.Length == 0 ? "needs change, percent or to: what it does" : $"has {string.Join(" and ", written)}; keep one");
            return false;
        }

        if (step.To is { } to && findings.IsReadable($"{item}.to") && (to < scale.Min || to > scale.Peak))
        {
            findings.Add($"{item}.to", $"found {to}; allowed: min {scale.Min} to max {scale.Peak}");
        }

        return true;
    }

    private static void Direction(string item, ScaleStep step, Findings findings)
    {
        var key = $"{item}.{(step.Change is null ? "percent" : "change")}";
        if ((step.Change ?? step.Percent) is { } amount && findings.IsReadable(key) && (step.Above is not null ? amount <= 0 : amount >= 0))
        {
            findings.Add(key, step.Above is not null
                ? $"found {amount}; what sounds above adds: allowed is 1 or more"
                : $"found {amount}; what sounds below removes: allowed is -1 or less");
        }
    }

    /// <summary>Where one step adds and another removes at the same value, they would take turns.</summary>
    private static void Contradiction(string path, IReadOnlyList<ScaleStep> steps, int at, Findings findings)
    {
        var step = steps[at];
        for (var i = 0; i < at; i++)
        {
            var other = steps[i];
            if (other.Metric != step.Metric || other.Queue != step.Queue)
            {
                continue;
            }

            var (above, below) = step.Above is not null ? (step.Above, other.Below) : (other.Above, step.Below);
            if (above is { } upper && below is { } lower && lower.Value > upper.Value)
            {
                findings.Add(ItemPath.Of($"{path}.steps", at), $"adds and removes at the same value with steps[{i}]: one sounds above {upper}, the other below {lower}");
                return;
            }

            if (other with { Change = step.Change, Percent = step.Percent, To = step.To, Cooldown = step.Cooldown } == step)
            {
                findings.Add(ItemPath.Of($"{path}.steps", at), $"is the same alarm as steps[{i}]; keep one");
                return;
            }
        }
    }
}
