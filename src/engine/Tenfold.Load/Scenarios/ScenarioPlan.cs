using Tenfold.Guide;
using Tenfold.Load.Data;

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
    public static ScenarioPlan Compile(IReadOnlyList<LoadStep> scenario, IReadOnlyDictionary<string, DataTable> data, IReadOnlyList<Budget> budgets, Uri target, TimeSpan timeout)
    {
        var routes = new RouteTable(budgets, timeout);
        var names = new ScenarioNames(data);
        var plans = new List<StepPlan>();
        Add(scenario, "");
        return plans.Exists(plan => plan is RequestPlan or ParallelPlan)
            ? new ScenarioPlan([.. plans], routes, names.Slots)
            : throw new LoadException(LoadFault.Usage, "the scenario sends no request");

        void Add(IReadOnlyList<LoadStep> steps, string outer)
        {
            for (var i = 0; i < steps.Count; i++)
            {
                var where = $"{outer}step {i + 1}";
                switch (steps[i])
                {
                    case RequestStep request:
                        plans.Add(Request(request, where));
                        break;
                    case ParallelStep { Parallel: [_, ..] requests }:
                        plans.Add(new ParallelPlan([.. requests.Select(request => Request(request, where))]));
                        break;
                    case ThinkStep think when think.Think >= TimeSpan.Zero:
                        plans.Add(new ThinkPlan(think.Think));
                        break;
                    case ShareStep share:
                        var (place, slots) = (plans.Count, names.Slots);
                        plans.Add(new SharePlan(share.Share.Fraction, 0));
                        Add(share.Steps, $"{where}, ");
                        plans[place] = new SharePlan(share.Share.Fraction, plans.Count - place - 1);
                        names.Hide(slots);
                        break;
                    case var other:
                        throw new LoadException(LoadFault.Usage, $"{where}: {other} cannot be run");
                }
            }
        }

        RequestPlan Request(RequestStep request, string where) => new(request, target, names, routes, $"{where} ({request.Method.ToLowerInvariant()} {request.Path})");
    }
}
