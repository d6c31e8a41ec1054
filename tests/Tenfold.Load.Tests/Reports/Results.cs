using Tenfold.Guide;
using Tenfold.Load.Pacing;
using Tenfold.Load.Results;

namespace Tenfold.Load.Tests.Reports;

/// <summary>Made-up results.</summary>
internal static class Results
{
    public static readonly Budget Products = new()
    {
        Route = new RouteKey("GET", PathPattern.Parse("/api/products")),
        Average = TimeSpan.FromMilliseconds(200),
        P95 = TimeSpan.FromMilliseconds(90),
        P99 = TimeSpan.FromMilliseconds(800),
        Errors = new Percentage(0.01),
    };

    public static readonly Budget Login = new() { Route = new RouteKey("POST", PathPattern.Parse("/api/login")), P95 = TimeSpan.FromSeconds(1) };

    public static readonly ScheduleResult OnTime = new(0, 100, 0, 10_000, 0, TimeSpan.FromMilliseconds(0.2), TimeSpan.FromMilliseconds(3), TimeSpan.FromMilliseconds(20), 0.25);

    /// <summary>Latencies of 1, 2, … <paramref name="count"/> ms, the first ones failed.</summary>
    public static RouteStats Stats(int count, int failed = 0)
    {
        var stats = new RouteStats();
        for (var i = 1; i <= count; i++)
        {
            stats.Record(i * 1_000_000L, i <= failed ? ErrorKind.Status : null, 503);
        }

        return stats;
    }

    public static LoadResult Of(params RouteResult[] routes)
    {
        var total = new RouteStats();
        foreach (var route in routes)
        {
            total.Merge(route.Stats);
        }

        return new LoadResult
        {
            Name = "rez api-test",
            Target = new Uri("http://localhost:8080"),
            Model = LoadModel.Closed,
            Stages = [new LoadStage { For = TimeSpan.FromSeconds(20), Users = 1000 }, new LoadStage { For = TimeSpan.FromSeconds(40), Users = 0 }],
            Elapsed = TimeSpan.FromSeconds(60.5),
            Routes = routes,
            Total = total,
            Iterations = 1234,
            Schedule = OnTime,
        };
    }
}
