using System.Globalization;
using ScalingDriver;
using ScalingDriver.Model;
using ScalingDriver.Policies;
using ScalingDriver.Report;
using ScalingDriver.Traces;
using Tenfold.Guide;

// [--trace NAME] [--policy NAME] [--changes] [--quick] [--seed N] [--start SECONDS]: plays traces against policies; each of the first two may stand several times.
//     --changes   also each change of the number of instances, with its reason
//     --seed N    other chance, to see how far the figures depend on it; 0 otherwise
//     --start S   instances that take so many seconds until they are ready; 10 otherwise
//     --quick     without the traces that are longer than two hours
// Prints tables, then lines "info ..." and "ratio NAME VALUE <= TARGET". Exit 2: an argument is not known.
List<string> traceNames = [], policyNames = [];
bool changes = false, quick = false;
var (seed, start) = (0, 10);
for (var i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--trace" when i + 1 < args.Length: traceNames.Add(args[++i]); break;
        case "--policy" when i + 1 < args.Length: policyNames.Add(args[++i]); break;
        case "--changes": changes = true; break;
        case "--seed" when i + 1 < args.Length && int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out seed): i++; break;
        case "--start" when i + 1 < args.Length && int.TryParse(args[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out start): i++; break;
        case "--quick": quick = true; break;
        case "--trace" or "--policy" or "--seed" or "--start": Console.Error.WriteLine($"scaling: {args[i]} needs a {(args[i] is "--trace" or "--policy" ? "name" : "whole number")}"); return 2;
        default: return Unknown(args[i], ["--trace", "--policy", "--changes", "--quick", "--seed", "--start"]);
    }
}

var model = new InstanceModel { Seed = seed, Start = start };
var file = WorldCup.Find();
List<Trace> traces = [.. Shapes.All(seed), .. file is null ? WorldCup.Synthetic() : WorldCup.Read(file), .. Shapes.Seasons];
traces = traces.ConvertAll(trace => trace with { Seed = seed });
var policies = Policy.All(model);
if (traceNames.Find(name => traces.TrueForAll(trace => trace.Name != name)) is { } noTrace)
{
    return Unknown(noTrace, traces.Select(trace => trace.Name));
}

if (policyNames.Find(name => policies.All(policy => policy.Name != name)) is { } noPolicy)
{
    return Unknown(noPolicy, policies.Select(policy => policy.Name));
}

Console.WriteLine($"instances: {model.Capacity} requests/s each, ready after {model.Start} s (scatter {model.StartSpread:P0}), slow start {model.SlowStart} s, drain {model.Drain} s; p95 budget {model.Budget * 1000} ms, a request fails after {model.Timeout} s");
Console.WriteLine(file is null ? "World Cup: the file is not here (TENFOLD_TRAFFIC names it); a made-up day is played" : "World Cup: requests by the minute, recorded");
foreach (var policy in policies)
{
    Console.WriteLine($"  {policy.Name,-16}{policy.What}");
}

List<string> verdicts = [];
foreach (var trace in traces.Where(trace => traceNames.Count == 0 ? !quick || trace.Seconds <= 4 * 3600 : traceNames.Contains(trace.Name)))
{
    var rows = policies
        .Where(policy => (policyNames.Count == 0 || policyNames.Contains(policy.Name)) && (policy.Name != Policy.Predicting || trace.Season is not null))
        .Select(policy => (Policy: policy, Outcome: Play.Run(model, trace, policy.Make(trace), changes ? change => Show(policy, change) : null)))
        .ToList();
    Table.Write(Console.Out, trace, rows);
    Outcome? Of(string name) => rows.Find(row => row.Policy.Name == name).Outcome;
    if (Of(Policy.Own) is { } own && Of(Policy.Peer) is { } peer)
    {
        verdicts.AddRange(Table.Ratios(trace.Name, "hpa", own, peer, 0.5, 1.1));
    }

    if (Of(Policy.Predicting) is { } predicting && Of(Policy.Own) is { } without)
    {
        verdicts.AddRange(Table.Ratios($"{trace.Name}-predict", "without", predicting, without, 0.5, 1.1));
    }
}

if (traceNames.Count == 0 && policyNames.Count == 0)
{
    var scale = new Scale { Min = 2, Max = 1000, Metrics = [new ScaleMetric { Metric = ScalingMetric.Cpu, Target = new ScaleTarget(0.7, ScaleUnit.Share) }], Predict = new ScalePrediction { Season = TimeSpan.FromHours(1) } };
    var (milliseconds, early, late) = DecisionTime.Measure(scale, 1000, 20_000);
    Console.WriteLine();
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"one decision for 1,000 instances: {milliseconds:0.0000} ms (median of 20,000), {early:N0} bytes allocated each after 5,000 decisions, {late:N0} after 20,000"));
    verdicts.Add(Table.Line("scaling-decision-of-1000-instances-vs-1-ms", milliseconds, 1, 1));
    verdicts.Add(Table.Line("scaling-decision-bytes-after-20000-vs-after-5000", late, early, 1.1));
}

Console.WriteLine();
verdicts.ForEach(Console.WriteLine);
return 0;

static int Unknown(string what, IEnumerable<string> known)
{
    Console.Error.WriteLine($"scaling: '{what}' is not known; there are: {string.Join(", ", known)}");
    return 2;
}

static void Show(Policy policy, Change change) =>
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {policy.Name} {change.Second,6} s: {change.From} -> {change.To} at {change.Arriving:0} requests/s: {change.Reason}"));
