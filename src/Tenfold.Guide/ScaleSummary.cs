using Tenfold.Guide.Reading;
using Tenfold.Guide.Validation;

namespace Tenfold.Guide;

/// <summary>Scaling rules in one line, for <see cref="GuideSummary"/>.</summary>
internal static class ScaleSummary
{
    /// <summary>How many instances a service has.</summary>
    public static string Instances(Scale scale)
    {
        var fewest = $"{scale.Min} instance{(scale.Min == 1 ? "" : "s")}";
        return scale.Most == scale.Min ? fewest : scale.IsAutomatic ? $"{scale.Min} to {scale.Most} instances" : $"{fewest}, up to {scale.Most} by hand";
    }

    /// <summary>By which rules that changes, part by part.</summary>
    public static IEnumerable<string?> Rules(Scale scale) =>
    [
        scale.Peak == scale.Min ? $"always {scale.Min}, as min is max" : null,
        $"{(scale.Metrics.Count > 0 ? $"{RecordShape.Kebab(scale.Algorithm.ToString())} of {string.Join(", ", scale.Metrics.Select(Metric))} " : "")}every {Duration.Format(scale.Interval)}",
        .. scale.Steps.Select(Step),
        Rate("out", scale.Outward),
        Rate("in", scale.Inward),
        .. scale.Schedule.Select(Schedule),
        scale.Predict is { } ahead ? $"ahead of what comes back after {Duration.Format(ahead.Season)}" : null,
    ];

    private static string Metric(ScaleMetric metric) => $"{Of(metric.Metric, metric.Queue)} {metric.Target}";

    private static string Of(ScalingMetric metric, string? queue) => ScaleMetricRules.Word(metric) + (queue is null ? "" : $" of {queue}");

    private static string Step(ScaleStep step) =>
        (step.To is { } to ? $"to {to}" : $"{step.Change ?? step.Percent:+0;-0}{(step.Percent is null ? "" : "%")}")
        + $" when {Of(step.Metric, step.Queue)} is {(step.Above is { } above ? $"above {above}" : $"below {step.Below}")}"
        + (step.For > TimeSpan.Zero ? $" for {Duration.Format(step.For)}" : "")
        + (step.Cooldown > TimeSpan.Zero ? $", cooldown {Duration.Format(step.Cooldown)}" : "");

    private static string? Rate(string direction, ScaleRate rate)
    {
        if (rate.Select == ScaleSelect.Disabled)
        {
            return $"never {direction}";
        }

        string[] parts =
        [
            .. rate.Window > TimeSpan.Zero ? (string[])[$"window {Duration.Format(rate.Window.Value)}"] : [],
            .. rate.Cooldown > TimeSpan.Zero ? (string[])[$"cooldown {Duration.Format(rate.Cooldown)}"] : [],
            .. rate.Policies.Count > 0 ? (string[])[$"at most {string.Join(rate.Select == ScaleSelect.Min ? " and " : " or ", rate.Policies.Select(Limit))}"] : [],
        ];
        return parts.Length == 0 ? null : $"{direction}: {string.Join(", ", parts)}";
    }

    private static string Limit(ScaleRateLimit limit) => $"{(limit.Percent is { } percent ? $"{percent}%" : limit.Instances)} in {Duration.Format(limit.Every)}";

    private static string Schedule(ScaleSchedule schedule) =>
        string.Join(", ", new[] { schedule.Min is { } min ? $"min {min}" : null, schedule.Max is { } max ? $"max {max}" : null }.Where(part => part is not null))
        + $" from '{schedule.From}' to '{schedule.To}' {schedule.TimeZone}";
}
