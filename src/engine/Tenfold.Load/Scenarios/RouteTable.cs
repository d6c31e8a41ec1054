using Tenfold.Guide;

namespace Tenfold.Load.Scenarios;

/// <summary>A line of the report: what requests are counted under.</summary>
/// <param name="Name">A budget's route, or the method and the step's path without its query.</param>
/// <param name="Budget">The budget that it is judged by.</param>
/// <param name="Timeout">After how long a request is given up.</param>
internal sealed record LoadRoute(string Name, Budget? Budget, TimeSpan Timeout);

/// <summary>
/// The routes of a test: budgets' routes first, from the most to the least specific, then those that steps add.
/// Not thread-safe while steps are added; thread-safe afterwards.
/// </summary>
internal sealed class RouteTable(IReadOnlyList<Budget> budgets, TimeSpan timeout)
{
    private readonly List<LoadRoute> _routes =
    [
        .. budgets.Order(Comparer<Budget>.Create((a, b) => PathPattern.CompareSpecificity(a.Route.Path, b.Route.Path)))
            .Select(b => new LoadRoute(b.Route.ToString(), b, b.Timeout ?? timeout)),
    ];

    private readonly int _budgets = budgets.Count;

    public IReadOnlyList<LoadRoute> Routes => _routes;

    /// <summary>The index of the route named by a step itself, for requests that no budget matches.</summary>
    public int Add(string method, string pathTemplate)
    {
        var path = Template.Outline(pathTemplate);
        var query = path.IndexOf('?', StringComparison.Ordinal);
        var name = $"{method} {(query < 0 ? path : path[..query])}";
        var known = _routes.FindIndex(_budgets, r => string.Equals(r.Name, name, StringComparison.Ordinal));
        if (known < 0)
        {
            _routes.Add(new LoadRoute(name, null, timeout));
            return _routes.Count - 1;
        }

        return known;
    }

    /// <summary>The most specific budget's route that matches, else <paramref name="own"/>. Does not allocate.</summary>
    /// <param name="method">GET …</param>
    /// <param name="path">The path as it is sent, without query.</param>
    /// <param name="own">What <see cref="Add"/> gave for the step.</param>
    public int Match(string method, ReadOnlySpan<char> path, int own)
    {
        for (var i = 0; i < _budgets; i++)
        {
            var route = _routes[i].Budget!.Route;
            if (string.Equals(route.Method, method, StringComparison.Ordinal) && route.Path.Matches(path))
            {
                return i;
            }
        }

        return own;
    }
}
