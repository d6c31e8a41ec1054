using System.Text.Json.Nodes;
using Tenfold.Guide;
using Tenfold.Load.Pacing;
using Tenfold.Load.Reports;
using Tenfold.Load.Results;
using Tenfold.Load.Running;
using Tenfold.Load.Verdicts;
using static Tenfold.Load.Tests.Reports.Results;

namespace Tenfold.Load.Tests.Reports;

public sealed class ReportTests
{
    private static readonly Thresholds Limits = new() { P95 = TimeSpan.FromMilliseconds(500), Errors = new Percentage(0.05) };

    [Fact]
    public void The_table_shows_routes_errors_and_each_limit()
    {
        var search = new RouteStats();
        search.Record(null, ErrorKind.Connect);
        search.Record(60_000_000_000, ErrorKind.Timeout);
        var result = Of(new RouteResult("GET /api/products", Products, Stats(1000, 3)), new RouteResult("GET /api/search", null, search));

        Assert.Equal(
            """
            rez api-test against http://localhost:8080/
            closed model: up to 1,000 users, 2 stages in 60 s; ran 60.5 s, 1,234 iterations

            route              count    rate      errors  average     p50     p95     p99   max
            GET /api/products  1,000  16.5/s    3 (0.3%)   500 ms  500 ms  950 ms  990 ms   1 s
            GET /api/search        2   0.0/s    2 (100%)     60 s    60 s    60 s    60 s  60 s
            all                1,002  16.6/s  5 (0.499%)   560 ms  501 ms  951 ms  991 ms  60 s

            errors
              GET /api/products  3 × status 503
              GET /api/search    1 × connect, 1 × timeout

            budgets
              MISSED  GET /api/products  average  500 ms > 200 ms
              MISSED  GET /api/products  p95      950 ms > 90 ms
              MISSED  GET /api/products  p99      990 ms > 800 ms
              met     GET /api/products  errors   0.3% <= 1%

            thresholds
              MISSED  all  p95      951 ms > 500 ms
              met     all  errors   0.499% <= 5%

            verdict: 4 of 6 limits missed

            """,
            TextReport.Of(result, LoadVerdict.Of(result, [Products], Limits)));
    }

    [Fact]
    public void Too_few_samples_and_an_invalid_measurement_are_said_aloud()
    {
        var result = Of(new RouteResult("GET /api/products", Products, Stats(50))) with
        {
            Model = LoadModel.Open,
            Stages = [new LoadStage { For = TimeSpan.FromSeconds(60), Rate = 100 }],
            Schedule = OnTime with { Planned = 3000, Started = 2990, Dropped = 10 },
        };
        Assert.Equal(
            """
            rez api-test against http://localhost:8080/
            open model, latency from the intended time: up to 100.0/s arrivals, 1 stage in 60 s; ran 60.5 s, 1,234 iterations

            route              count   rate  errors  average    p50    p95    p99    max
            GET /api/products     50  0.8/s       0  25.5 ms  25 ms  48 ms  50 ms  50 ms
            all                   50  0.8/s       0  25.5 ms  25 ms  48 ms  50 ms  50 ms

            budgets
              met     GET /api/products  average  25.5 ms <= 200 ms
              met     GET /api/products  p95      48 ms <= 90 ms
              ?       GET /api/products  p99      not enough samples: 50 of at least 100 (limit 800 ms)
              ?       GET /api/products  errors   not enough samples: 50 of at least 100 (limit 1%)

            invalid: 10 of 3,000 arrivals were dropped: 10,000 were already under way; the target answers more slowly than they arrive, so raise --max-in-flight or lower the rate

            verdict: invalid: the generator could not do what the test asks for, so the figures above say nothing about the target

            """,
            TextReport.Of(result, LoadVerdict.Of(result, [Products], new Thresholds())));
    }

    private static readonly CacheUse Cache = new(new SortedDictionary<string, long> { ["memory"] = 900, ["redis"] = 80 }, 20);

    [Fact]
    public void The_table_is_followed_by_how_the_caches_answered()
    {
        var result = Of(new RouteResult("GET /api/products", Products, Stats(100, 0))) with { Cache = Cache };

        Assert.Contains("\n\ncache: memory 90%, redis 8%, missed 2% of 1,000 reads\n\n", TextReport.Of(result, LoadVerdict.Of(result, [Products], Limits)), StringComparison.Ordinal);
    }

    [Fact]
    public void Changes_of_the_number_of_instances_are_marked_in_both_reports()
    {
        LoadMark[] marks = [new(TimeSpan.FromSeconds(3.69), "api", 1, 2, "cpu at 101% (target 70%): wants 2"), new(TimeSpan.FromSeconds(12.5), "api", 2, 4, "wants 4")];
        var result = Of(new RouteResult("GET /api/products", Products, Stats(100, 0))) with { Marks = marks };
        var verdict = LoadVerdict.Of(result, [Products], Limits);

        Assert.Contains("\n\nscaling\n  3.69 s  api 1 → 2: cpu at 101% (target 70%): wants 2\n  12.5 s  api 2 → 4: wants 4\n\n", TextReport.Of(result, verdict), StringComparison.Ordinal);
        Assert.Equal("""{"seconds":12.5,"service":"api","from":2,"to":4,"reason":"wants 4"}""", JsonNode.Parse(JsonReport.Of(result, verdict))!["scaling"]![1]!.ToJsonString());
    }

    [Fact]
    public void The_JSON_holds_every_figure()
    {
        var result = Of(new RouteResult("GET /api/products", Products, Stats(100, 1))) with { Cache = Cache };
        var json = JsonNode.Parse(JsonReport.Of(result, LoadVerdict.Of(result, [Products, Login], Limits)))!;

        Assert.Equal(
            ["name", "target", "model", "outcome", "exitCode", "plannedSeconds", "elapsedSeconds", "iterations", "unanswered", "stages", "total", "routes", "budgets", "thresholds", "schedule", "cache", "scaling", "timeline", "invalid", "notes"],
            json.AsObject().Select(p => p.Key));
        Assert.Equal(
            """{"route":"GET /api/products","count":100,"perSecond":1.6529,"errors":1,"errorShare":0.01,"errorKinds":{"connect":0,"timeout":0,"protocol":0,"status":1,"capture":0},"statuses":{"503":1},"latencyMilliseconds":{"samples":100,"min":1,"average":50.5,"p50":50.004,"p75":75.0387,"p90":90.0465,"p95":95.0272,"p99":99.0249,"p99.9":100,"max":100}}""",
            json["routes"]![0]!.ToJsonString());
        Assert.Equal(
            """{"subject":"GET /api/products","measure":"p95","unit":"milliseconds","limit":90,"measured":95.0272,"outcome":"missed","samples":100,"needed":20}""",
            json["budgets"]![1]!.ToJsonString());
        Assert.Equal("""{"reads":1000,"hitShare":{"memory":0.9,"redis":0.08},"missShare":0.02}""", json["cache"]!.ToJsonString());
        Assert.Equal(("missed", 1, "closed", 60.5), ((string)json["outcome"]!, (int)json["exitCode"]!, (string)json["model"]!, (double)json["elapsedSeconds"]!));
        Assert.Equal("""[{"seconds":20,"users":1000},{"seconds":40,"users":0}]""", json["stages"]!.ToJsonString());
        Assert.Equal("budgets that this test has no request for: POST /api/login", (string)json["notes"]![0]!);
    }

    [Theory]
    [InlineData(12.4, false, "12 s of 60 s  stage 2/7  342 users  1,234.5/s  errors 17 (1.7%)  p95 12.3 ms  5 in flight")]
    [InlineData(61, true, "61 s of 60 s  waiting for answers  342.0/s arrivals  1,234.5/s  errors 17 (1.7%)  p95 12.3 ms  5 in flight")]
    public void Progress_is_one_line(double seconds, bool open, string line) => Assert.Equal(line, ProgressLine.Of(
        new LoadProgress(TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(60), 2, 7, 342, open, 1234.5, 1000, 17, TimeSpan.FromMilliseconds(12.34), 5)));

    [Theory]
    [InlineData(0, "0 ms")]
    [InlineData(0.0123, "12.3 µs")]
    [InlineData(0.99949, "999 µs")]
    [InlineData(0.9996, "1 ms")]
    [InlineData(1.2345, "1.23 ms")]
    [InlineData(12.345, "12.3 ms")]
    [InlineData(999.4, "999 ms")]
    [InlineData(999.6, "1 s")]
    [InlineData(3_600_000, "3,600 s")]
    public void Times_have_three_digits_and_a_unit(double milliseconds, string text) => Assert.Equal(text, Units.Milliseconds(milliseconds));

    [Theory]
    [InlineData(0, "0%")]
    [InlineData(0.5, "50%")]
    [InlineData(0.000_012, "0.001%")]
    [InlineData(0.000_004, "0.0004%")]
    [InlineData(1, "100%")]
    public void Shares_are_percentages(double share, string text) => Assert.Equal(text, Units.Share(share));
}
