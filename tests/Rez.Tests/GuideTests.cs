using Tenfold.Guide;
using Tenfold.Guide.Reading;
using Tenfold.Runtime.Queries;

namespace Rez.Tests;

public sealed class GuideTests
{
    [Fact]
    public void The_guide_is_valid_and_holds_the_seed_s_load_tests_and_budgets()
    {
        var result = GuideReader.Read(Path.Combine(SchemaFiles.Repository(), "systems", "rez", "tenfold.yaml"));
        Assert.Empty(result.Errors);
        var guide = result.Guide!;
        Assert.Superset(new HashSet<string>(StringComparer.Ordinal) { "api-test", "spike-test", "stress-test" }, guide.Load.Keys.ToHashSet(StringComparer.Ordinal));
        Assert.Equal(1380, guide.Load["api-test"].Stages.Sum(stage => stage.For.TotalSeconds));
        Assert.Equal(5000, guide.Load["spike-test"].Stages.Max(stage => stage.Users));
        Assert.Equal(2280, guide.Load["stress-test"].Stages.Sum(stage => stage.For.TotalSeconds));
        Assert.Equal(
            [(200, 400, 800), (150, 300, 600), (400, 800, 1500)],
            guide.Budgets.Take(3).Select(budget => ((int)budget.Average!.Value.TotalMilliseconds, (int)budget.P95!.Value.TotalMilliseconds, (int)budget.P99!.Value.TotalMilliseconds)));
        Assert.Equal((100, TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(15)), (guide.RateLimits["per-client"].Limit, guide.RateLimits["per-client"].Per, guide.RateLimits["per-client"].Block));
        Assert.All(guide.RateLimits["per-client"].Routes, route => Assert.False(route.TakesMethod("GET"))); // the load tests come from one address
        Assert.Equal(new Pool { Min = 10, Max = 50 }, guide.Stores["main"].Pool);
        var scale = guide.Services["api"].Scale;
        Assert.Equal("Cpu 70%, Memory 80%, RequestsPerSecond 1000", string.Join(", ", scale.Metrics.Select(metric => $"{metric.Metric} {metric.Target}")));
        Assert.Equal(((int?)100, (int?)4, TimeSpan.FromMinutes(5), (int?)50), (scale.Out!.Policies[0].Percent, scale.Out.Policies[1].Instances, scale.In!.Window!.Value, scale.In.Policies[0].Percent));
    }

    [Fact]
    public void The_queues_are_the_seed_s_and_the_worker_s()
    {
        var guide = GuideReader.Read(Path.Combine(SchemaFiles.Repository(), "systems", "rez", "tenfold.yaml")).Guide!;
        foreach (var name in new[] { "orders", "images", "mail", "reports" })
        {
            var queue = guide.Queues[name];
            Assert.Equal((3, 50, 1000, 5000), (queue.Attempts, queue.Concurrency, queue.Keep.Completed, queue.Keep.Failed));
            Assert.Equal(TimeSpan.FromSeconds(2), queue.Backoff.Exponential);
            Assert.True(guide.WorksOn("worker", name));
            Assert.False(guide.WorksOn("api", name));
        }

        Assert.Equal(1, guide.Queues["imports"].PerKey?.Concurrency);
        Assert.Equal(100, guide.Queues["imports"].Deaths); // one long job: the workers under it may be replaced many times
    }

    [Fact]
    public async Task Every_query_that_the_guide_lists_has_its_index()
    {
        var guide = GuideReader.Read(Path.Combine(SchemaFiles.Repository(), "systems", "rez", "tenfold.yaml")).Guide!;
        var findings = await QueryCheck.RunAsync(guide, [], TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.True(findings.Count > 20);
        Assert.Equal([], findings.Where(finding => finding.Problem is not null));
    }
}
