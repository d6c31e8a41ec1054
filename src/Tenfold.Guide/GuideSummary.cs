using System.Globalization;
using System.Text;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide;

/// <summary>A guide in a few lines, for a person who wants to see what was understood.</summary>
public static class GuideSummary
{
    /// <summary>System, services with instances, limits and scaling rules, stores, routes, budgets, milestones, load tests. Ends with a line end.</summary>
    public static string Of(SystemGuide guide)
    {
        var gateway = guide.Gateway;
        var text = new StringBuilder().Append("system ").AppendLine(guide.System);
        Section(text, "services", guide.Services.Select(s => (s.Key, Service(s.Value))));
        var scaled = guide.Services.Select(s => (s.Key, s.Value.Scale)).Concat(guide.Stores.Where(s => s.Value.Scale is not null).Select(s => (s.Key, Scale: s.Value.Scale!.Rules)));
        Section(text, "scaling", scaled.Where(s => s.Scale.IsAutomatic).Select(s => (s.Key, Joined([.. ScaleSummary.Rules(s.Scale)]))));
        Section(text, "stores", guide.Stores.Select(s => (s.Key, Store(s.Value))));
        Section(text, $"gateway {(gateway.Tls is null ? "http" : "https")}://{gateway.Address}:{gateway.Port}", gateway.Routes.Select(r => (Match(r), Target(r))));
        Section(text, "rate limits", guide.RateLimits.Select(l => (l.Key, RateLimit(l.Value))));
        Section(text, "cache", guide.Cache.Select(p => (p.Key, Policy(p.Value))));
        Section(text, "warm", guide.Warm.Select(w => (w.Key, Warm(w.Value))));
        Section(text, "queues", guide.Queues.Select(q => (q.Key, Queue(q.Value))));
        Section(text, "budgets", guide.Budgets.Select(b => (b.Route.ToString(), Budget(b))));
        Section(text, "milestones", guide.Milestones.Select(m => ($"{m.Users:#,0} users", Limits(("requests/s", m.RequestsPerSecond), ("p95", m.P95), ("availability", m.Availability)))));
        Section(text, "load tests", guide.Load.Select(l => (l.Key, Test(l.Value))));
        return text.ToString();
    }

    private static void Section(StringBuilder text, string title, IEnumerable<(string Name, string What)> lines)
    {
        var items = lines.ToArray();
        if (items.Length == 0)
        {
            return;
        }

        var width = items.Max(i => i.Name.Length);
        text.AppendLine(title);
        foreach (var (name, what) in items)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  {name.PadRight(width)}  {what}");
        }
    }

    private static string Service(Service service) => Joined(
        ScaleSummary.Instances(service.Scale),
        service.Instance.Cpu is { } cpu ? $"{cpu} cpu" : "cpu unlimited",
        service.Instance.Memory is { } memory ? $"{memory} memory" : "memory unlimited",
        service.Project is { } project ? $"project {project}" : string.Join(' ', service.Command ?? []));

    private static string Store(Store store) => Joined(
        RecordShape.Kebab(store.Engine.ToString()),
        store.Memory is { } memory ? $"{memory} memory" : null,
        store.Pool is { } pool ? $"{pool.Min} to {pool.Max} connections an instance" : null,
        store.Shards > 1 ? $"{store.Shards} shards of {store.Buckets} buckets" : null,
        store.Cpu is { } cpu ? $"{cpu} cpu" : null,
        Replicas(store),
        store.Schema is { } schema ? $"schema {schema}" : null,
        store.Partitions.Count > 0 ? $"partitions of {string.Join(", ", store.Partitions.Select(table => $"{table.Table} a {RecordShape.Kebab(table.Every.ToString())}{(table.Keep is { } keep ? $" kept for {Duration.Format(keep)}" : "")}"))}" : null,
        store.Queries.Count > 0 ? $"{store.Queries.Count} {(store.Queries.Count == 1 ? "query" : "queries")} with an index" : null);

    private static string? Replicas(Store store)
    {
        var kind = $"{(store.Synchronous ? "synchronous " : "")}replica{(store is { Replicas: 1, Scale: null } ? "" : "s")}{(store.Shards > 1 ? " each" : "")}";
        return store.Scale is { Rules: var rules } ? $"{rules.Min} to {rules.Most} {kind}, {store.Replicas} at first" : store.Replicas > 0 ? $"{store.Replicas} {kind}" : null;
    }

    private static string Match(Route route) =>
        (route.Methods.Count > 0 ? string.Join('|', route.Methods) + " " : "") + route.Host + route.Path
        + (route.Headers.Count + route.Query.Count > 0 ? " if " + string.Join(", ", route.Headers.Concat(route.Query).Select(p => $"{p.Key}={p.Value}")) : "");

    private static string Target(Route route) => Joined(
        "to " + (route.Service ?? string.Join(", ", (route.Services ?? new Dictionary<string, int>()).Select(s => $"{s.Key} (weight {s.Value})"))),
        RecordShape.Kebab(route.Balance.ToString()) + (route.Hash is { } hash ? $" of {hash}" : ""),
        $"timeout {Duration.Format(route.Timeout)}");

    private static string RateLimit(RateLimit limit) => Joined(
        $"{limit.Limit:#,0} in {Duration.Format(limit.Per)} by {limit.By}",
        limit.Burst is { } burst && burst != limit.Limit ? $"{burst:#,0} at once" : null,
        limit.Block > TimeSpan.Zero ? $"then blocked for {Duration.Format(limit.Block)}" : null,
        limit.Routes.Count > 0 ? string.Join(", ", limit.Routes) : null,
        limit.Except.Count > 0 ? $"not for {string.Join(", ", limit.Except)}" : null,
        limit.At is { } place ? $"at the {RecordShape.Kebab(place.ToString())}" : null);

    private static string Policy(CachePolicy policy) => Joined(
        $"fresh for {Duration.Format(policy.Ttl)}",
        policy.Stale > TimeSpan.Zero ? $"stale for {Duration.Format(policy.Stale)} more" : null,
        policy.Eager is { } eager ? $"refreshed from {eager} on" : null,
        policy.Tags.Count > 0 ? $"tags {string.Join(", ", policy.Tags)}" : null,
        policy.Http.MaxAge is { } browser ? $"browsers {Duration.Format(browser)}" : null,
        policy.Http.Cdn is { } cdn ? $"CDN {Duration.Format(cdn)}" : null);

    private static string Warm(Warmup warmup) => Joined(
        $"{warmup.Requests.Count} request{(warmup.Requests.Count == 1 ? "" : "s")} of {warmup.Service}",
        warmup.OnStart ? "on start" : null,
        warmup.Every is { } every ? $"every {Duration.Format(every)}" : null);

    private static string Queue(QueuePolicy queue) => Joined(
        $"{queue.Attempts} attempt{(queue.Attempts == 1 ? "" : "s")}",
        queue.Backoff.Fixed is { } pause ? $"{Duration.Format(pause)} apart" : $"{Duration.Format(queue.Backoff.Exponential ?? TimeSpan.Zero)} apart, doubled up to {Duration.Format(queue.Backoff.Most)}",
        $"{queue.Concurrency} at a time in an instance",
        $"timeout {Duration.Format(queue.Timeout)}",
        queue.Rate is { } rate ? $"{Rate(rate)}" : null,
        queue.PerKey?.Concurrency is { } concurrency ? $"{concurrency} at a time of a key" : null,
        queue.PerKey?.Rate is { } keyRate ? $"{Rate(keyRate)} of a key" : null,
        queue.Service is { } service ? $"by {service}" : null,
        $"in {queue.Store}");

    private static string Rate(QueueRate rate) => $"{rate.Limit:#,0} in {Duration.Format(rate.Per)}";

    private static string Budget(Budget budget) => Limits(
        ("average", budget.Average), ("p95", budget.P95), ("p99", budget.P99), ("timeout", budget.Timeout), ("errors", budget.Errors));

    private static string Test(LoadTest test)
    {
        var top = test.Stages.Any(s => s.Users is not null)
            ? $"up to {test.Stages.Max(s => s.Users ?? 0):#,0} users"
            : string.Create(CultureInfo.InvariantCulture, $"up to {test.Stages.Max(s => s.Rate ?? 0):#,0.##} arrivals/s");
        var limits = test.Thresholds;
        return Joined(
            top,
            $"for {Duration.Format(TimeSpan.FromTicks(test.Stages.Sum(s => s.For.Ticks)))}",
            $"{test.Scenario.Count} step{(test.Scenario.Count == 1 ? "" : "s")}",
            Limits(("average", limits.Average), ("p50", limits.P50), ("p95", limits.P95), ("p99", limits.P99), ("max", limits.Max), ("errors", limits.Errors), ("requests/s", limits.RequestsPerSecond)),
            test.Milestone is { } users ? $"milestone {users:#,0} users" : null);
    }

    private static string Limits(params (string Name, object? Limit)[] limits) => string.Join(", ", limits.Where(l => l.Limit is not null)
        .Select(l => $"{l.Name} {(l.Limit is TimeSpan time ? Duration.Format(time) : l.Limit)}"));

    private static string Joined(params string?[] parts) => string.Join(" · ", parts.Where(p => !string.IsNullOrEmpty(p)));
}
