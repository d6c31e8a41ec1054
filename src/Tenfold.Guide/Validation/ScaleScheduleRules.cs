using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

/// <summary>Other bounds at certain times.</summary>
internal static class ScaleScheduleRules
{
    public static void Check(string path, string name, Scale scale, SystemGuide guide, Findings findings)
    {
        for (var i = 0; i < scale.Schedule.Count; i++)
        {
            var item = ItemPath.Of($"{path}.schedule", i);
            if (findings.IsReadable(item))
            {
                Times(item, scale.Schedule[i], findings);
                Bounds(item, name, scale.Schedule[i], scale, guide, findings);
            }
        }
    }

    /// <summary>When it begins and ends.</summary>
    public static void Times(string item, ScaleSchedule schedule, Findings findings)
    {
        if (findings.IsReadable($"{item}.from") && findings.IsReadable($"{item}.to") && schedule.From.Equals(schedule.To))
        {
            findings.Add($"{item}.to", "is the same as from, so it would never be in effect");
        }

        if (!TimeZoneInfo.TryFindSystemTimeZoneById(schedule.TimeZone, out _))
        {
            findings.Add($"{item}.time-zone", $"there is no time zone '{schedule.TimeZone}'; allowed: IANA names such as UTC or Europe/Berlin");
        }
    }

    private static void Bounds(string item, string name, ScaleSchedule schedule, Scale scale, SystemGuide guide, Findings findings)
    {
        if (!Order(item, schedule, scale, "service", findings))
        {
            return;
        }

        if (schedule.Max == 0)
        {
            ScaleRules.Unanswered($"{item}.max", name, guide, findings);
        }
        else if (schedule.Min == 0 && scale.Min > 0)
        {
            ScaleRules.Zero($"{item}.min", name, scale, guide, findings);
        }
    }

    /// <summary>Whether it says bounds, and they are in order with those that it leaves as they are.</summary>
    public static bool Order(string item, ScaleSchedule schedule, Scale scale, string what, Findings findings)
    {
        var (min, max) = (findings.IsWritten($"{item}.min"), findings.IsWritten($"{item}.max"));
        if (!min && !max)
        {
            findings.Add(item, "changes nothing; give min, max or both");
            return false;
        }

        var (fewest, most) = (schedule.Min ?? scale.Min, schedule.Max ?? scale.Most);
        if (fewest > most && findings.IsReadable($"{item}.min") && findings.IsReadable($"{item}.max"))
        {
            findings.Add($"{item}.{(min ? "min" : "max")}", (min, max) switch
            {
                (true, true) => $"{fewest} is more than max {most}",
                (true, false) => $"{fewest} is more than the {what}'s max {most}; give max here, too",
                _ => $"{most} is less than the {what}'s min {fewest}; give min here, too",
            });
            return false;
        }

        return true;
    }
}
