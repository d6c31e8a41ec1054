using Tenfold.Gateway.Forwarding;
using Tenfold.Gateway.Instances;
using Tenfold.Gateway.RateLimiting;
using Tenfold.Guide;

namespace Tenfold.Gateway.Routing;

/// <summary>Every route, most specific first, and the budgets that name, time and label requests. Immutable; thread-safe.</summary>
internal sealed class RouteTable
{
    private readonly CompiledRoute[] _routes;
    private readonly (string Method, PathPattern Path, TimeSpan? Timeout, int Label)[] _budgets;

    public RouteTable(SystemGuide guide, string[] labels, Random random, Func<string, ServiceInstances> service, Func<Route, RouteLimits?> limits)
    {
        int Label(string text) => Array.IndexOf(labels, text);
        Labels = labels;
        _routes = [.. guide.Gateway.Routes.Select(route => new CompiledRoute(route, Label(route.Path.ToString()), random, service, limits(route)))];
        // Stable: the first one among equals stays first.
        _routes = [.. _routes.Order(Comparer<CompiledRoute>.Create(CompiledRoute.Compare))];
        _budgets = [.. guide.Budgets
            .Select(budget => (budget.Route.Method.ToUpperInvariant(), budget.Route.Path, budget.Timeout, Label(budget.Route.ToString())))
            .Order(Comparer<(string, PathPattern Path, TimeSpan?, int)>.Create((left, right) => PathPattern.CompareSpecificity(left.Path, right.Path)))];
    }

    /// <summary>Metrics labels; a request's is the budget's route it fits, else its route's path; 0 is for no route.</summary>
    public string[] Labels { get; }

    /// <summary>The route of a request, or null, and the label and time limit that a budget or else the route gives it.</summary>
    public CompiledRoute? Match(RequestHead request, out int label, out TimeSpan timeout)
    {
        foreach (var route in _routes)
        {
            if (route.Matches(request))
            {
                (label, timeout) = (route.Label, route.Timeout);
                foreach (ref readonly var budget in _budgets.AsSpan())
                {
                    if (string.Equals(budget.Method, request.Method, StringComparison.Ordinal) && budget.Path.Matches(request.Path))
                    {
                        label = budget.Label;
                        timeout = budget.Timeout is { } limit && limit < timeout ? limit : timeout;
                        break;
                    }
                }

                return route;
            }
        }

        (label, timeout) = (0, default);
        return null;
    }

    /// <summary>The methods that would have found a route for a request that found none, as <c>Allow</c> lists them; null when no method would.</summary>
    public string? MethodsFor(RequestHead request)
    {
        var methods = _routes.Where(route => route.MatchesButForMethod(request)).SelectMany(route => route.Methods).ToHashSet(StringComparer.Ordinal);
        if (methods.Contains("GET"))
        {
            methods.Add("HEAD");
        }

        return methods.Count == 0 ? null : string.Join(", ", methods.Order(StringComparer.Ordinal));
    }

    /// <summary>Every label that requests to this guide's gateway can have.</summary>
    public static string[] LabelsOf(SystemGuide guide) =>
        [.. guide.Gateway.Routes.Select(route => route.Path.ToString()).Concat(guide.Budgets.Select(budget => budget.Route.ToString())).Prepend("none").Distinct(StringComparer.Ordinal)];
}
