using System.Text.Json.Nodes;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

internal static class LoadRules
{
    public static void Check(SystemGuide guide, Findings findings)
    {
        for (var i = 1; i < guide.Milestones.Count; i++)
        {
            if (guide.Milestones[i].Users <= guide.Milestones[i - 1].Users && findings.IsReadable($"{ItemPath.Of("milestones", i)}.users") && findings.IsReadable($"{ItemPath.Of("milestones", i - 1)}.users"))
            {
                findings.Add($"{ItemPath.Of("milestones", i)}.users", $"{guide.Milestones[i].Users} users do not come after {guide.Milestones[i - 1].Users}; each milestone has more than the one before");
            }
        }

        foreach (var (name, test) in guide.Load)
        {
            var path = ItemPath.Of("load", name);
            Names.Check(path, name, findings);
            Stages($"{path}.stages", test.Stages, findings);
            if (test.Milestone is { } users && guide.Milestones.All(milestone => milestone.Users != users))
            {
                findings.Add($"{path}.milestone", $"there is no milestone of {users} users; {(guide.Milestones.Count == 0 ? "the guide has none" : $"there are {string.Join(", ", guide.Milestones.Select(milestone => milestone.Users))}")}");
            }

            Data($"{path}.data", test.Data, guide, findings);
            Scenario($"{path}.scenario", test.Scenario, test.Data, findings);
            var limits = test.Thresholds;
            Order.Check($"{path}.thresholds", [("p50", limits.P50), ("p95", limits.P95), ("p99", limits.P99), ("max", limits.Max)], findings);
            Order.Check($"{path}.thresholds", [("average", limits.Average), ("max", limits.Max)], findings);
        }
    }

    private static void Stages(string path, IReadOnlyList<LoadStage> stages, Findings findings)
    {
        if (stages.Count == 0)
        {
            findings.Add(path, "is empty; a stage is { for: 1m, users: 10 } or { for: 1m, rate: 100 }");
            return;
        }

        string? model = null;
        var complete = true;
        for (var i = 0; i < stages.Count; i++)
        {
            var stage = ItemPath.Of(path, i);
            var (users, rate) = (findings.IsWritten($"{stage}.users"), findings.IsWritten($"{stage}.rate"));
            complete &= findings.IsReadable(stage) && findings.IsReadable($"{stage}.for") && users != rate;
            if (users == rate)
            {
                findings.Add(stage, users ? "has both users and rate; keep one" : "needs users (virtual users at once) or rate (arrivals a second)");
                continue;
            }

            var key = users ? "users" : "rate";
            complete &= findings.IsReadable($"{stage}.{key}");
            model ??= key;
            if (key != model)
            {
                findings.Add($"{stage}.{key}", $"the stages before it have {model}; all stages of a test have the same");
            }
        }

        if (complete && stages.Sum(s => s.For.Ticks) == 0)
        {
            findings.Add(path, "last 0s together; give one of them a time");
        }
        else if (complete && stages.All(s => s.Users is null or 0 && s.Rate is null or 0))
        {
            findings.Add(path, $"send nothing: every stage has {model} 0");
        }
    }

    private static void Data(string path, IReadOnlyDictionary<string, LoadData> data, SystemGuide guide, Findings findings)
    {
        foreach (var (name, table) in data)
        {
            var at = ItemPath.Of(path, name);
            if (!Names.Variable().IsMatch(name) || RequestStep.Generators.Contains(name))
            {
                findings.AddToKey(at, $"'{name}' is no name of a table; allowed: letters, digits, _ and -, not a digit first, and none of {string.Join(", ", RequestStep.Generators)}");
            }

            if (findings.IsReadable(at) && (table.File is null) == (table.Service is null))
            {
                findings.Add(at, "needs either a file or a service: { file: buyers.csv } or { service: api, args: [tokens] }");
            }
            else if (table.Service is { } service && !guide.Services.ContainsKey(service))
            {
                findings.Add($"{at}.service", $"there is no service '{service}'{Suggestion.Among(service, [.. guide.Services.Keys])}");
            }
            else if (table is { File: not null, Args.Count: > 0 })
            {
                findings.Add($"{at}.args", "are for the command of a service; a file takes none");
            }
        }
    }

    private static void Scenario(string path, IReadOnlyList<LoadStep> scenario, IReadOnlyDictionary<string, LoadData> data, Findings findings)
    {
        if (!SendsSomething(scenario))
        {
            var unread = Enumerable.Range(0, scenario.Count).Any(i => !findings.IsReadable(ItemPath.Of(path, i)));
            if (!unread)
            {
                findings.Add(path, "sends nothing; a request is { get: /path }");
            }

            return;
        }

        Steps(path, scenario, [.. data.Keys.Select(table => table + Templates.OfTable)], findings);
    }

    private static bool SendsSomething(IReadOnlyList<LoadStep> steps) => steps.Any(step => step is RequestStep or ParallelStep || (step is ShareStep share && SendsSomething(share.Steps)));

    private static void Steps(string path, IReadOnlyList<LoadStep> steps, HashSet<string> captured, Findings findings)
    {
        for (var i = 0; i < steps.Count; i++)
        {
            var step = ItemPath.Of(path, i);
            switch (steps[i])
            {
                case RequestStep request:
                    Request(step, request, captured, findings);
                    break;
                case ParallelStep parallel:
                    Parallel($"{step}.{LoadSteps.Parallel}", parallel.Parallel, captured, findings);
                    break;
                case ShareStep share:
                    Steps($"{step}.steps", share.Steps, [.. captured], findings); // those who leave it out have not captured what it does
                    break;
                default:
                    break;
            }
        }
    }

    // What one of them captures, the others cannot use: they are sent at the same time.
    private static void Parallel(string path, IReadOnlyList<RequestStep> requests, HashSet<string> captured, Findings findings)
    {
        if (findings.IsReadable(path) && requests.Count is < 1 or > ParallelStep.Most)
        {
            findings.Add(path, $"has {requests.Count} requests; allowed: 1 to {ParallelStep.Most}");
        }

        var here = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < requests.Count; i++)
        {
            var request = ItemPath.Of(path, i);
            Request(request, requests[i], [.. captured], findings);
            foreach (var name in requests[i].Capture.Keys.Where(name => !here.Add(name)))
            {
                findings.AddToKey($"{request}.capture.{name}", $"'{name}' is captured by another request of this step already; which of them is answered last is not known");
            }
        }

        captured.UnionWith(here.Except(RequestStep.Generators));
    }

    private static void Request(string path, RequestStep request, HashSet<string> captured, Findings findings)
    {
        var target = $"{path}.{request.Method.ToLowerInvariant()}";
        Texts.Path(target, Templates.Blank(request.Path), findings);
        Texts.Headers($"{path}.headers", request.Headers, findings);

        Templates.Check(target, request.Path, captured, findings);
        foreach (var (name, value) in request.Headers)
        {
            Templates.Check($"{path}.headers.{name}", value, captured, findings);
        }

        foreach (var text in Strings(request.Json))
        {
            Templates.Check($"{path}.json", text, captured, findings);
        }

        foreach (var (name, from) in request.Capture)
        {
            if (!Names.Variable().IsMatch(name))
            {
                findings.AddToKey($"{path}.capture.{name}", $"'{name}' is no name of a variable; allowed: letters, digits, _ and -, not a digit first");
            }
            else if (RequestStep.Generators.Contains(name))
            {
                findings.AddToKey($"{path}.capture.{name}", $"{{{{{name}}}}} is a generator already; take another name");
            }

            if (from.Length == 0 || (!from.Contains('[', StringComparison.Ordinal) && from.Split('.').Any(part => part.Length == 0)))
            {
                findings.Add($"{path}.capture.{name}", $"expected a path in the answer such as data.0.id, found '{from}'");
            }

            if (!RequestStep.Generators.Contains(name))
            {
                captured.Add(name);
            }
        }
    }

    private static IEnumerable<string> Strings(JsonNode? node) => node switch
    {
        JsonObject map => map.SelectMany(p => Strings(p.Value)),
        JsonArray list => list.SelectMany(Strings),
        JsonValue value when value.TryGetValue<string>(out var text) => [text],
        _ => [],
    };
}
