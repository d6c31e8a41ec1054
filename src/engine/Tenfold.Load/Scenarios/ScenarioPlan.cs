using Tenfold.Guide;

namespace Tenfold.Load.Scenarios;

/// <summary>A scenario made ready to be run by many users at once. Immutable; thread-safe.</summary>
internal sealed class ScenarioPlan
{
    private ScenarioPlan(StepPlan[] steps, RouteTable routes, int variables) => (Steps, Routes, Variables) = (steps, routes.Routes, variables);

    public StepPlan[] Steps { get; }

    public IReadOnlyList<LoadRoute> Routes { get; }

    /// <summary>Most requests that a user has under way at once: as many connections it needs.</summary>
    public int Width => Steps.Max(step => step is ParallelPlan parallel ? parallel.Requests.Length : 1);

    /// <summary>Number of captured variables.</summary>
    public int Variables { get; }

    /// <exception cref="LoadException">A step is wrong, or there is no request.</exception>
    public static ScenarioPlan Compile(IReadOnlyList<LoadStep> scenario, IReadOnlyList<Budget> budgets, Uri target, TimeSpan timeout)
    {
        var routes = new RouteTable(budgets, timeout);
        var variables = new List<string>();
        var steps = new StepPlan[scenario.Count];
        var at = 0;
        for (; at < steps.Length; at++)
        {
            steps[at] = scenario[at] switch
            {
                RequestStep request => Request(request),
                ParallelStep { Parallel: [_, ..] requests } => new ParallelPlan([.. requests.Select(Request)]),
                ThinkStep think when think.Think >= TimeSpan.Zero => new ThinkPlan(think.Think),
                var other => throw new LoadException(LoadFault.Usage, $"step {at + 1}: {other} cannot be run"),
            };
        }

        return steps.Any(s => s is RequestPlan or ParallelPlan)
            ? new ScenarioPlan(steps, routes, variables.Count)
            : throw new LoadException(LoadFault.Usage, "the scenario sends no request");

        RequestPlan Request(RequestStep request) => new(request, target, variables, routes, $"step {at + 1} ({request.Method.ToLowerInvariant()} {request.Path})");
    }
}
