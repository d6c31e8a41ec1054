using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

internal static class BudgetRules
{
    private static readonly string[] Limits = [.. RecordShape.Of(typeof(Budget)).Names.Where(n => n != "route")];

    public static void Check(SystemGuide guide, Findings findings)
    {
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        var routes = guide.Gateway.Routes;
        var routesAreKnown = routes.Count > 0 && Enumerable.Range(0, routes.Count)
            .Select(i => ItemPath.Of("gateway.routes", i))
            .All(route => findings.IsReadable($"{route}.path") && findings.IsReadable($"{route}.methods"));
        for (var i = 0; i < guide.Budgets.Count; i++)
        {
            var budget = guide.Budgets[i];
            var path = ItemPath.Of("budgets", i);
            Order.Check(path, [("p95", budget.P95), ("p99", budget.P99), ("timeout", budget.Timeout)], findings);
            Order.Check(path, [("average", budget.Average), ("timeout", budget.Timeout)], findings);
            if (Limits.All(limit => !findings.IsWritten($"{path}.{limit}")))
            {
                findings.Add(path, $"promises nothing; give at least one of: {string.Join(", ", Limits)}");
            }

            if (findings.IsReadable(path) && findings.IsReadable($"{path}.route"))
            {
                Route($"{path}.route", i, budget.Route, first, routesAreKnown ? routes : [], findings);
            }
        }
    }

    private static void Route(
        string path, int index, RouteKey route, Dictionary<string, int> first, IReadOnlyList<Route> routes, Findings findings)
    {
        var key = $"{route.Method} {route.Path.Shape}";
        if (!first.TryAdd(key, index))
        {
            findings.Add(path, $"{route} has a budget already: budgets[{first[key]}]");
        }
        else if (routes.Count > 0 && !routes.Any(r => Takes(r, route)))
        {
            findings.Add(path, $"no route of the gateway takes {route}");
        }
    }

    private static bool Takes(Route route, RouteKey key) =>
        (route.Methods.Count == 0 || route.Methods.Contains(key.Method)) && route.Path.Overlaps(key.Path);
}
