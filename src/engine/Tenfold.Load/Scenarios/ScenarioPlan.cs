using Tenfold.Guide;

namespace Tenfold.Load.Scenarios;

/// <summary>A scenario made ready to be run by many users at once. Immutable; thread-safe.</summary>
internal sealed class ScenarioPlan
{
    private ScenarioPlan(StepPlan[] steps, RouteTable routes, int variables) => (Steps, Routes, Variables) = (steps, routes.Routes, variables);

    public StepPlan[] Steps { get; }

    public IReadOnlyList<LoadRoute> Routes { get; }

    /// <summary>Number of captured variables.</summary>
    public int Variables { get; }

    /// <exception cref="LoadException">A step is wrong, or there is no request.</exception>
    public static ScenarioPlan Compile(IReadOnlyList<LoadStep> scenario, IReadOnlyList<Budget> budgets, Uri target, TimeSpan timeout)
    {
        var routes = new RouteTable(budgets, timeout);
        var variables = new List<string>();
        var steps = new StepPlan[scenario.Count];
        for (var i = 0; i < steps.Length; i++)
        {
            steps[i] = scenario[i] switch
            {
                RequestStep request => new RequestPlan(request, target, variables, routes, $"step {i + 1} ({request.Method.ToLowerInvariant()} {request.Path})"),
                ThinkStep think when think.Think >= TimeSpan.Zero => new ThinkPlan(think.Think),
                var other => throw new LoadException(LoadFault.Usage, $"step {i + 1}: {other} cannot be run"),
            };
        }

        return steps.Any(s => s is RequestPlan)
            ? new ScenarioPlan(steps, routes, variables.Count)
            : throw new LoadException(LoadFault.Usage, "the scenario sends no request");
    }
}
