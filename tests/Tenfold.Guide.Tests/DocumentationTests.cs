using System.Reflection;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Tenfold.Guide.Reading;
using Tenfold.Guide.Validation;

namespace Tenfold.Guide.Tests;

/// <summary>docs/guide.md says of every key what the records say, and its samples are guides.</summary>
public sealed partial class DocumentationTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "docs", "guide.md"));

    // The heading of each record's table, which is also what other tables call its type.
    private static readonly Dictionary<Type, string> Headings = new()
    {
        [typeof(SystemGuide)] = "The file",
        [typeof(Service)] = "Service",
        [typeof(InstanceSize)] = "Instance",
        [typeof(Scale)] = "Scale",
        [typeof(ScaleMetric)] = "Metric",
        [typeof(ScaleStep)] = "Scale step",
        [typeof(ScaleRate)] = "Scale rate",
        [typeof(ScaleRateLimit)] = "Scale rate policy",
        [typeof(ScaleSchedule)] = "Schedule",
        [typeof(ScalePrediction)] = "Prediction",
        [typeof(Health)] = "Health",
        [typeof(PassiveHealth)] = "Passive health",
        [typeof(Store)] = "Store",
        [typeof(Pool)] = "Pool",
        [typeof(StoreScale)] = "Store scale",
        [typeof(PartitionedTable)] = "Partitioned table",
        [typeof(QueryShape)] = "Query",
        [typeof(GatewaySection)] = "Gateway",
        [typeof(Tls)] = "TLS",
        [typeof(GatewayLimits)] = "Limits",
        [typeof(Retries)] = "Retries",
        [typeof(Route)] = "Route",
        [typeof(RateLimit)] = "Rate limit",
        [typeof(CachePolicy)] = "Cache policy",
        [typeof(CacheHttp)] = "Cache HTTP",
        [typeof(Warmup)] = "Warm-up",
        [typeof(QueuePolicy)] = "Queue",
        [typeof(QueueBackoff)] = "Backoff",
        [typeof(QueueKeep)] = "Keep",
        [typeof(QueueRate)] = "Rate",
        [typeof(QueueKey)] = "Per key",
        [typeof(Budget)] = "Budget",
        [typeof(Milestone)] = "Milestone",
        [typeof(LoadTest)] = "Load test",
        [typeof(LoadData)] = "Load data",
        [typeof(LoadStage)] = "Stage",
        [typeof(Thresholds)] = "Thresholds",
        [typeof(LoadStep)] = "Step",
    };

    // Defaults that depend on other values, and what Defaults.Resolve makes of them.
    private static readonly Dictionary<string, string> Resolved = new(StringComparer.Ordinal)
    {
        ["Scale.Max"] = "the larger of `min` and 10",
        ["Scale.Out"] = "all defaults",
        ["Scale.In"] = "all defaults",
        ["Scale.Predict"] = "none",
        ["Scale.Every"] = "`1s`; with kpa `2s`, with hpa `15s`",
        ["ScaleRate.Window"] = "out `0s`; in `1m`, with hpa `5m`, with kpa `0s`",
        ["ScaleRate.Policies"] = "none; with hpa see there",
        ["Store.Replicas"] = "`0`; with `scale` its `min`",
        ["Store.Scale"] = "none",
        ["StoreScale.Max"] = "the larger of `min` and 5",
        ["StoreScale.Out"] = "at most 1 in 1m",
        ["StoreScale.In"] = "window 5m, at most 1 in 1m",
        ["Store.Memory"] = "`128Mi` for PostgreSQL, `256Mi` for Redis",
        ["Store.ReplicaLag"] = "`1s` for PostgreSQL",
        ["CachePolicy.L1Ttl"] = "`ttl`",
        ["Warmup.Service"] = "the only service",
        ["QueuePolicy.Rate"] = "none",
        ["QueuePolicy.PerKey"] = "none",
        ["QueuePolicy.Service"] = "`worker`, else every service with a project",
        ["QueuePolicy.Store"] = "`main`, else the only PostgreSQL",
        ["QueueBackoff.Exponential"] = "`2s`, unless `fixed` is given",
        ["QueueKey.Rate"] = "none",
        ["Route.Hash"] = "`address` with consistent-hash",
        ["RateLimit.Burst"] = "`limit`",
        ["RateLimit.At"] = "`app` with `by: user`, else `gateway`",
        ["RateLimit.Store"] = "the only Redis",
        ["RateLimit.Insurance"] = "`100%` at the gateway; at the app 100% shared by all instances of all services at their `scale.max`",
        ["Route.FirstByteTimeout"] = "the route's `timeout`",
    };

    public static TheoryData<string> Samples =>
        [.. Sample().Matches(Text).Select(m => m.Groups["yaml"].Value)];

    [Fact]
    public void Every_record_of_the_guide_has_a_table()
    {
        var records = Records(typeof(SystemGuide)).Distinct().ToHashSet();

        Assert.Equal(records.Select(r => r.Name).Order(), Headings.Keys.Select(r => r.Name).Order());
    }

    [Fact]
    public void Every_key_has_a_row_with_its_type_default_and_bounds()
    {
        foreach (var (record, heading) in Headings)
        {
            Type[] types = record == typeof(LoadStep) ? [typeof(ThinkStep), typeof(ParallelStep), typeof(ShareStep), typeof(RequestStep)] : [record];
            Assert.Equal(types.SelectMany(t => RecordShape.Of(t).Keys).Select(Row), Rows(heading).Select(r => string.Join(" | ", r.Take(4))));
        }
    }

    [Fact]
    public void Every_row_says_what_the_key_does() =>
        Assert.DoesNotContain(Headings.Values.SelectMany(Rows), row => row.Length != 5 || row[4].Length < 5);

    [Fact]
    public void Keys_that_are_refused_for_now_are_listed()
    {
        var listed = Refused().Matches(Text[Text.IndexOf("## Refused for now", StringComparison.Ordinal)..]).ToDictionary(m => m.Groups["where"].Value, m => m.Groups["keys"].Value);

        Assert.Equal(
            LaterKeys.All.ToDictionary(l => Headings[l.Key].ToLowerInvariant(), l => string.Join(", ", l.Value.Select(k => $"`{k}`"))),
            listed);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Every_sample_is_read_without_error(string yaml)
    {
        var whole = yaml.StartsWith("system:", StringComparison.Ordinal) ? yaml : Guides.Start + yaml;

        Assert.Empty(Guides.Errors(whole));
    }

    [Fact]
    public void Resolved_defaults_are_those_that_the_reference_states()
    {
        var guide = Guides.Read(Guides.Start + """
            stores: { p: { engine: postgres }, r: { engine: redis } }
            gateway: { routes: [{ path: /, service: api, balance: consistent-hash, timeout: 7s }] }
            """);

        Assert.Equal(10, guide.Services["api"].Scale.Max);
        Assert.Equal(("128Mi", "256Mi"), (guide.Stores["p"].Memory.ToString(), guide.Stores["r"].Memory.ToString()));
        Assert.Equal(new Pool(), guide.Stores["p"].Pool);
        Assert.Null(guide.Stores["r"].Pool);
        Assert.Equal((TimeSpan.FromSeconds(1), null), (guide.Stores["p"].ReplicaLag, guide.Stores["r"].ReplicaLag));
        Assert.Equal(("address", TimeSpan.FromSeconds(7)), (guide.Gateway.Routes[0].Hash, guide.Gateway.Routes[0].FirstByteTimeout));
    }

    [Theory]
    [InlineData("demand", 1, 60, "", "")]
    [InlineData("kpa", 2, 0, "", "")]
    [InlineData("hpa", 15, 300, "100% in 15s, 4 in 15s", "100% in 15s")]
    public void Scaling_has_the_pace_of_its_algorithm(string algorithm, int every, int window, string outward, string inward)
    {
        var scale = Guides.Read($"system: shop\nservices: {{ api: {{ command: [a], scale: {{ algorithm: {algorithm}, metrics: [{{ metric: in-flight, target: 10 }}] }} }} }}\ngateway: {{ routes: [{{ path: /, service: api }}] }}").Services["api"].Scale;

        Assert.Equal((TimeSpan.FromSeconds(every), TimeSpan.Zero, TimeSpan.FromSeconds(window)), (scale.Every, scale.Out?.Window, scale.In?.Window));
        Assert.Equal((outward, inward), (Limits(scale.Out!), Limits(scale.In!)));

        static string Limits(ScaleRate rate) => string.Join(", ", rate.Policies.Select(limit => $"{(limit.Percent is { } percent ? $"{percent}%" : limit.Instances)} in {Duration.Format(limit.Every)}"));
    }

    [Fact]
    public void Replicas_that_scale_begin_with_min_and_come_and_go_one_by_one()
    {
        var stores = Guides.Read(Guides.Start + """
            stores:
              a: { engine: postgres, cpu: 1, scale: { min: 2, metrics: [{ metric: cpu, target: 70% }] } }
              b: { engine: postgres, replicas: 3, scale: { max: 4, out: { select: disabled }, schedule: [{ from: 0 8 * * *, to: 0 18 * * *, max: 6 }] } }
            """).Stores;
        var (a, b) = (stores["a"], stores["b"]);

        Assert.Equal((2, 5, 5, 3, 6), (a.Replicas, a.Scale!.Max, a.MostReplicas, b.Replicas, b.MostReplicas));
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromMinutes(5), StoreScale.Interval), (a.Scale.Out!.Window, a.Scale.In!.Window, a.Scale.Rules.Interval));
        Assert.Equal((1, TimeSpan.FromMinutes(1)), (a.Scale.Out.Policies[0].Instances, a.Scale.In.Policies[0].Every));
        Assert.Empty(b.Scale!.Out!.Policies);
        Assert.Equal((2, 2), (ConnectionNeed.Beside(a), ConnectionNeed.Beside(b)));
    }

    [Fact]
    public void What_a_schedule_allows_above_max_counts_for_connections_and_shares()
    {
        var guide = Guides.Read("""
            system: shop
            services: { api: { command: [a], scale: { max: 4, schedule: [{ from: 0 18 * * *, to: 0 22 * * *, max: 9 }, { from: 0 2 * * *, to: 0 6 * * *, max: 2 }] } } }
            stores: { r: { engine: redis } }
            rate-limits: { a: { limit: 7, per: 1m, by: user } }
            """);

        Assert.Equal((4, 9, 10), (guide.Services["api"].Scale.Most, guide.Services["api"].Scale.Peak, ConnectionNeed.Instances(guide)));
        Assert.Equal(1.0 / 9, guide.RateLimits["a"].Insurance!.Value.Fraction);
    }

    [Fact]
    public void A_rate_limit_is_enforced_by_the_gateway_unless_it_is_about_users()
    {
        var guide = Guides.Read("""
            system: shop
            services: { api: { command: [a], scale: { min: 2, max: 3 } }, web: { command: [b], scale: { max: 2 } } }
            stores: { p: { engine: postgres }, r: { engine: redis } }
            rate-limits:
              a: { limit: 7, per: 1m }
              b: { limit: 7, per: 1m, by: user }
            """);

        var (a, b) = (guide.RateLimits["a"], guide.RateLimits["b"]);
        Assert.Equal((RateLimitPlace.Gateway, RateLimitPlace.App), (a.At, b.At));
        Assert.Equal((7, "r", 1.0, 0.2), (a.Burst, a.Store, a.Insurance!.Value.Fraction, b.Insurance!.Value.Fraction));
    }

    [Fact]
    public void A_queue_is_in_the_only_PostgreSQL_and_its_pauses_grow_unless_it_says_otherwise()
    {
        var guide = Guides.Read("""
            system: shop
            services: { api: { project: . } }
            stores: { data: { engine: postgres }, r: { engine: redis } }
            queues: { a: {}, b: { backoff: { fixed: 5s } } }
            """);

        var (a, b) = (guide.Queues["a"], guide.Queues["b"]);
        Assert.Equal((TimeSpan.FromSeconds(2), null, "data"), (a.Backoff.Exponential, a.Backoff.Fixed, a.Store));
        Assert.Equal((null, TimeSpan.FromSeconds(5), "data"), (b.Backoff.Exponential, b.Backoff.Fixed, guide.JobStore));
    }

    [Theory]
    [InlineData("api: { project: . }, worker: { project: . }", "worker")]
    [InlineData("api: { project: . }, web: { project: . }, other: { command: [a] }", "api,web")]
    [InlineData("api: { project: . }, worker: { command: [a] }", "api")]
    public void A_queue_is_worked_on_by_its_service_else_by_the_one_called_worker_else_by_all(string services, string all)
    {
        var guide = Guides.Read($"system: shop\nservices: {{ {services} }}\nstores: {{ main: {{ engine: postgres }} }}\nqueues: {{ a: {{}}, b: {{ service: api }} }}");

        Assert.Equal((all, all, "api"), (Who("a"), Who("of-the-code-only"), Who("b")));

        string Who(string queue) => string.Join(',', guide.Services.Keys.Where(service => guide.WorksOn(service, queue)));
    }

    private static string Row(KeyShape key)
    {
        var type = TypeName(key.Type);
        var record = Headings.ContainsKey(key.Type) && key.Type != typeof(LoadStep);
        var stated = key.IsRequired ? "required"
            : Resolved.TryGetValue($"{key.Property.DeclaringType!.Name}.{key.Property.Name}", out var resolved) ? resolved
            : key.DefaultText is { } text ? $"`{text}`"
            : key.Type == typeof(InstanceSize) ? "no limits"
            : record && key.Type != typeof(Tls) && key.Type != typeof(Thresholds) ? "see there"
            : "none";
        var between = key.Between is { } bounds ? $"`{bounds.Min}` to `{bounds.Max}`" : "";
        return $"`{key.Key}` | {type} | {stated} | {between}";
    }

    private static string TypeName(Type type) =>
        type.IsEnum ? "one of: " + string.Join(", ", Enum.GetNames(type).Select(RecordShape.Kebab))
        : ScalarFormats.Of(type) is { } format ? format.Name
        : type == typeof(JsonNode) ? "JSON"
        : type.IsGenericType ? (type.GetGenericArguments().Length == 1 ? "list of " : "mapping of ") + TypeName(type.GetGenericArguments()[^1])
        : type == typeof(Tls) ? "TLS"
        : type == typeof(RequestStep) ? "request"
        : Headings[type].ToLowerInvariant();

    private static IEnumerable<Type> Records(Type type)
    {
        if (type.IsGenericType)
        {
            return Records(Nullable.GetUnderlyingType(type) ?? type.GetGenericArguments()[^1]);
        }

        return type.Assembly != typeof(SystemGuide).Assembly || type.IsEnum || ScalarFormats.Of(type) is not null
            ? []
            : RecordShape.Of(type).Keys.SelectMany(k => Records(k.Type)).Prepend(type);
    }

    private static string[][] Rows(string heading)
    {
        var start = Regex.Match(Text, $"^##+ {Regex.Escape(heading)}$", RegexOptions.Multiline, TimeSpan.FromSeconds(1));
        Assert.True(start.Success, $"docs/guide.md has no heading '{heading}'");
        var section = Text[(start.Index + start.Length)..];
        var end = section.IndexOf("\n#", StringComparison.Ordinal);
        return [.. (end < 0 ? section : section[..end]).Split('\n')
            .Where(line => line.StartsWith("| `", StringComparison.Ordinal))
            .Select(line => line.Trim('|', ' ').Split('|').Select(cell => cell.Trim()).ToArray())];
    }

    [GeneratedRegex("^```yaml\n(?<yaml>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sample();

    [GeneratedRegex("^\\| (?<where>[a-z ]+) \\| (?<keys>`.*`) \\|$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Refused();
}
