using Tenfold.Guide;
using Tenfold.Load.Results;
using Tenfold.Load.Running;

namespace Tenfold.Load.Tests.Running;

/// <summary>Short ways to write a test and run it.</summary>
internal static class Tests
{
    public static LoadStage[] Users(double seconds, int users) =>
        [new LoadStage { For = TimeSpan.Zero, Users = users }, new LoadStage { For = TimeSpan.FromSeconds(seconds), Users = users }];

    public static LoadStage[] Rate(double seconds, double rate) =>
        [new LoadStage { For = TimeSpan.Zero, Rate = rate }, new LoadStage { For = TimeSpan.FromSeconds(seconds), Rate = rate }];

    public static RequestStep Get(string path, int? expect = null, params (string Name, string Path)[] capture) =>
        new() { Method = "GET", Path = path, Expect = expect, Capture = capture.ToDictionary(c => c.Name, c => c.Path, StringComparer.Ordinal) };

    public static ThinkStep Think(double milliseconds) => new() { Think = TimeSpan.FromMilliseconds(milliseconds) };

    public static ShareStep Share(double percent, params LoadStep[] steps) => new() { Share = new Percentage(percent / 100), Steps = steps };

    public static Task<LoadResult> RunAsync(Uri target, IReadOnlyList<LoadStage> stages, LoadStep[] scenario, Func<LoadOptions, LoadOptions>? change = null, Budget[]? budgets = null, Action<LoadProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var options = new LoadOptions { Target = target };
        return LoadRunner.RunAsync(new LoadTest { Stages = stages, Scenario = scenario }, budgets ?? [], change?.Invoke(options) ?? options, progress, TimeSpan.FromMilliseconds(100), cancellationToken);
    }

    public static RouteStats Route(this LoadResult result, string name) => result.Routes.Single(r => r.Name == name).Stats;
}
