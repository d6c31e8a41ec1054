using System.Text.RegularExpressions;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Tests;

/// <summary>docs/scaling: the rules of five systems, whose figures are those of their scaling guides.</summary>
public sealed partial class ScalingGuidesTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "docs", "scaling");
    private static readonly string Page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "scaling.md"));

    public static TheoryData<string> Files => [.. Directory.EnumerateFiles(Folder).Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal)];

    public static TheoryData<string> Samples => [.. Sample().Matches(Page).Select(m => m.Groups["yaml"].Value)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Every_file_is_a_guide_without_findings_and_named_on_the_page(string file)
    {
        var guide = Read(Path.GetFileNameWithoutExtension(file));

        Assert.Equal(file, $"{guide.System}.yaml");
        Assert.Contains($"(scaling/{file})", Page, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Every_sample_of_the_page_is_read_without_error(string yaml) => Assert.Empty(Guides.Errors(yaml));

    [Fact]
    public void Rez_is_a_HorizontalPodAutoscaler()
    {
        var scale = Read("rez").Services["api"].Scale;

        Assert.Equal((3, 50, ScaleAlgorithm.Hpa, Seconds(15), 0.1), (scale.Min, scale.Most, scale.Algorithm, scale.Interval, scale.Tolerance.Fraction));
        Assert.Equal("cpu 70%, memory 80%, requests-per-second 1000", Metrics(scale));
        Assert.Equal((Seconds(0), "100% in 30s, 4 in 30s", ScaleSelect.Max), (scale.Outward.Window, Limits(scale.Outward), scale.Outward.Select));
        Assert.Equal((Seconds(300), "50% in 1m"), (scale.Inward.Window, Limits(scale.Inward)));
    }

    [Fact]
    public void Rez_is_an_Auto_Scaling_group_too()
    {
        var api = Read("rez-alarms").Services["api"];

        Assert.Equal((2, 20, Seconds(300)), (api.Scale.Min, api.Scale.Most, api.Health.Start));
        Assert.Equal("cpu above 75% for 4m: 2, cooldown 5m; cpu below 30% for 10m: -1, cooldown 5m", Steps(api.Scale));
        Assert.Equal("0 0 * * * to 0 6 * * *: 2-; 0 18 * * * to 0 22 * * *: -8", Schedules(api.Scale));
    }

    [Theory]
    [InlineData("user-api", 3, 20, "cpu 70%, memory 80%")]
    [InlineData("vendor-api", 2, 10, "cpu 70%")]
    [InlineData("rider-api", 2, 10, "cpu 70%")]
    [InlineData("admin-api", 1, 5, "cpu 75%")]
    public void Reeyo_has_four_services_within_bounds_of_their_own(string service, int min, int max, string metrics)
    {
        var scale = Read("reeyo").Services[service].Scale;

        Assert.Equal((min, max, metrics), (scale.Min, scale.Most, Metrics(scale)));
    }

    [Fact]
    public void Reeyo_has_cooldowns_and_a_smaller_minimum_at_night()
    {
        var scale = Read("reeyo").Services["user-api"].Scale;

        Assert.Equal((Seconds(60), Seconds(300)), (scale.Outward.Cooldown, scale.Inward.Cooldown));
        Assert.Equal("0 2 * * * to 0 6 * * *: 2-", Schedules(scale));
    }

    [Fact]
    public void Mercenary_has_alarms_of_which_any_adds_and_all_remove()
    {
        var guide = Read("mercenary");
        var (api, workers, main) = (guide.Services["api"].Scale, guide.Services["workers"].Scale, guide.Stores["main"]);

        Assert.Equal((2, 20, 2, 20), (api.Min, api.Most, workers.Min, workers.Most));
        Assert.Equal(
            "cpu above 70% for 5m: 2, cooldown 5m; memory above 80% for 5m: 2, cooldown 5m; requests-per-second above 16.7 for 0s: 2, cooldown 5m; in-flight above 100 for 0s: 2, cooldown 5m; "
            + "average above 500ms for 0s: 2, cooldown 5m; cpu below 30% for 15m: -1, cooldown 5m; memory below 50% for 15m: -1, cooldown 5m",
            Steps(api));
        Assert.Equal(4, workers.Steps.Count);
        Assert.Equal((1, 5, 1, "cpu 70%"), (main.Scale!.Min, main.Scale.Max, main.Replicas, Metrics(main.Scale.Rules)));
        Assert.Equal((TimeSpan.FromMilliseconds(100), 20, 100, Seconds(30)), (main.ReplicaLag, main.Pool!.Min, main.Pool.Max, main.Pool.Wait));
    }

    [Fact]
    public void Eco_bottle_tracks_a_target_with_cooldowns()
    {
        var guide = Read("eco-bottle");
        var scale = guide.Services["backend"].Scale;

        Assert.Equal((10, 20, "cpu 70%"), (scale.Min, scale.Most, Metrics(scale)));
        Assert.Equal((Seconds(60), Seconds(180)), (scale.Outward.Cooldown, scale.Inward.Cooldown));
        Assert.Equal((new Cpu(1000), ByteSize.FromMebibytes(2048)), (guide.Services["backend"].Instance.Cpu, guide.Services["backend"].Instance.Memory));
        Assert.Equal((5, 5), (guide.Services["frontend"].Scale.Min, guide.Services["frontend"].Scale.Most));
    }

    [Fact]
    public void Tasks_has_three_replicas_and_more_at_peak_hours()
    {
        var backend = Read("tasks").Services["backend"];

        Assert.Equal((3, "/api/health", TimeSpan.FromDays(7)), (backend.Scale.Min, backend.Health.Path, backend.Scale.Predict?.Season));
        Assert.Equal("0 8 * * MON-FRI to 0 18 * * MON-FRI: 5-", Schedules(backend.Scale));
    }

    private static SystemGuide Read(string name)
    {
        var result = GuideReader.Read(Path.Combine(Folder, $"{name}.yaml"), _ => null);
        Assert.Equal([], result.Errors.Select(error => error.ToString()));
        return result.Guide!;
    }

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);

    private static string Metrics(Scale scale) => string.Join(", ", scale.Metrics.Select(metric => $"{RecordShape.Kebab(metric.Metric.ToString())} {metric.Target}"));

    private static string Limits(ScaleRate rate) => string.Join(", ", rate.Policies.Select(limit => $"{(limit.Percent is { } percent ? $"{percent}%" : limit.Instances)} in {Duration.Format(limit.Every)}"));

    private static string Steps(Scale scale) => string.Join("; ", scale.Steps.Select(step =>
        $"{RecordShape.Kebab(step.Metric.ToString())} {(step.Above is { } above ? $"above {above}" : $"below {step.Below}")} for {Duration.Format(step.For)}: {step.Change}, cooldown {Duration.Format(step.Cooldown)}"));

    private static string Schedules(Scale scale) => string.Join("; ", scale.Schedule.Select(schedule => $"{schedule.From} to {schedule.To}: {schedule.Min}-{schedule.Max}"));

    [GeneratedRegex("^```yaml\n(?<yaml>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sample();
}
