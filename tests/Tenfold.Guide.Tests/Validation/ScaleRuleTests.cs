namespace Tenfold.Guide.Tests.Validation;

/// <summary>One row a rule: what stands under <c>scale:</c>, and every error that it raises.</summary>
public sealed class ScaleRuleTests
{
    // Path of the errors that are left out of the rows, of the service that routes lead to.
    private const string Api = "services.api.scale";

    public static TheoryData<string, string[]> Bounds => new()
    {
        { "{ min: 5, max: 3 }", ["min: 5 is more than max 3"] },
        { "{ min: 0 }", ["min: is 0, and gateway.routes[1] leads to api: its requests would find no instance; set it to 1 or more"] },
        { "{ min: 3, max: 3, metrics: [{ metric: cpu, target: 70% }] }", [] },
        { "{ min: 1, every: 5s, out: { window: 1s }, in: {}, algorithm: hpa, tolerance: 5%, predict: {} }", [
            "every: has no effect: neither metrics nor steps nor a schedule change the number; give one of them, or remove it",
            "out: has no effect: neither metrics nor steps nor a schedule change the number; give one of them, or remove it",
            "in: has no effect: neither metrics nor steps nor a schedule change the number; give one of them, or remove it",
            "algorithm: has no effect without metrics; give some, or remove it",
            "tolerance: has no effect without metrics; give some, or remove it",
            "predict: has no effect without metrics; give some, or remove it"] },
        { "{ steps: [{ metric: cpu, above: 70%, change: 1 }], every: 5s, in: { window: 5m }, tolerance: 5% }", [
            "tolerance: has no effect without metrics; give some, or remove it"] },
        { "{ algorithm: kpa, metrics: [{ metric: in-flight, target: 10 }], tolerance: 5% }", ["tolerance: has no effect with algorithm: kpa, which goes by its windows; remove it, or take another algorithm"] },
        { "{ algorithm: kpa, metrics: [{ metric: in-flight, target: 10 }], tolerance: 5%, predict: {} }", [] },
        { "{ metrics: [{ metric: p95, target: 1s }, { metric: average, target: 1s }], tolerance: 5% }", ["tolerance: has no effect on latencies, whose target is the most that they may be; remove it"] },
        { "{ metrics: [{ metric: p95, target: 1s }, { metric: cpu, target: 70% }], tolerance: 5% }", [] },
        { "{ algorithm: hpa, metrics: [{ metric: p95, target: 1s }], tolerance: 5%, out: { select: min } }", [] },
        { "{ metrics: [{ metric: cpu, target: 70% }], out: { select: min }, in: { select: max } }", [
            "out.select: has no effect without policies; give some, or remove it",
            "in.select: has no effect without policies; give some, or remove it"] },
        { "{ metrics: nonsense, tolerance: 5% }", ["metrics: expected a list, found 'nonsense'"] },
    };

    [Theory]
    [MemberData(nameof(Bounds))]
    public void Of_bounds_and_of_what_has_no_effect(string scale, string[] expected) => Expect(scale, expected);

    public static TheoryData<string, string[]> Metrics => new()
    {
        { "{ metrics: [{ metric: cpu, target: 70% }, { metric: memory, target: 100% }, { metric: requests-per-second, target: 1k }, { metric: p95, target: 400ms }] }", [] },
        { "{ metrics: [{ metric: queue-depth, target: 100, queue: orders }, { metric: queue-depth, target: 5, queue: mail }] }", [] },
        { "{ metrics: [{ metric: cpu, target: 70 }, { metric: memory, target: 80s }, { metric: in-flight, target: 5% }, { metric: average, target: 5 }] }", [
            "metrics[0].target: cpu is a share of the instance's limit, such as 70%; found 70",
            "metrics[1].target: memory is a share of the instance's limit, such as 70%; found 1m20s",
            "metrics[2].target: in-flight is a number for each instance, such as 100; found 5%",
            "metrics[3].target: average is a duration, such as 400ms; found 5"] },
        { "{ metrics: [{ metric: cpu, target: 0% }, { metric: in-flight, target: -5 }, { metric: memory, target: 120% }, { metric: p99, target: 0s }] }", [
            "metrics[0].target: found 0%; allowed: more than 0",
            "metrics[1].target: found -5; allowed: more than 0",
            "metrics[2].target: found 120%; there is no more than 100% of a limit",
            "metrics[3].target: found 0s; allowed: more than 0"] },
        { "{ metrics: [{ metric: cpu, target: 70% }, { metric: p95, target: 1s }, { metric: cpu, target: 80% }] }", ["metrics[2]: cpu has a target already; keep one"] },
        { "{ metrics: [{ metric: queue-depth, target: 5, queue: mail }, { metric: queue-depth, target: 9, queue: mail }] }", ["metrics[1]: queue-depth of mail has a target already; keep one"] },
        { "{ metrics: [{ metric: queue-age, target: 1m }, { metric: queue-drain, target: 1m, queue: order }, { metric: queue-depth, target: 1, queue: images }, { metric: cpu, target: 70%, queue: orders }] }", [
            "metrics[0].queue: is missing; queues that api works on: orders, mail",
            "metrics[1].queue: there is no queue 'order'; did you mean 'orders'? Queues that api works on: orders, mail",
            "metrics[2].queue: api does not work on images, so its instances would not empty it; queues that it works on: orders, mail",
            "metrics[3].queue: cpu is not about a queue; remove it, or take queue-depth, queue-age or queue-drain"] },
        { "{ algorithm: kpa, metrics: [{ metric: in-flight, target: 70 }, { metric: requests-per-second, target: 200 }, { metric: cpu, target: 70% }] }", [
            "metrics[2].metric: kpa goes by in-flight or requests-per-second, found cpu; take one of these, or another algorithm"] },
        { "{ metrics: [{ metric: cpu }, { target: 5 }] }", ["metrics[0].target: is missing", "metrics[1].metric: is missing"] },
    };

    [Theory]
    [MemberData(nameof(Metrics))]
    public void Of_metrics(string scale, string[] expected) => Expect(scale, expected);

    public static TheoryData<string, string[]> Steps => new()
    {
        { "{ steps: [{ metric: cpu, above: 75%, for: 4m, change: 2, cooldown: 5m }, { metric: cpu, below: 30%, for: 10m, change: -1 }, { metric: queue-depth, queue: mail, above: 0, to: 5 }] }", [] },
        { "{ steps: [{ metric: cpu, above: 70%, percent: 50 }, { metric: cpu, above: 90%, percent: 100 }, { metric: cpu, below: 70%, percent: -10 }] }", [] },
        { "{ steps: [{ metric: cpu, change: 1 }, { metric: cpu, above: 5%, below: 90%, change: 1 }, { metric: cpu, above: 70% }, { metric: cpu, above: 80%, change: 1, to: 5 }] }", [
            "steps[0]: needs above or below: when its alarm sounds",
            "steps[1]: has both above and below; keep one",
            "steps[2]: needs change, percent or to: what it does",
            "steps[3]: has change and to; keep one"] },
        { "{ steps: [{ metric: cpu, above: 70%, change: -1 }, { metric: cpu, below: 30%, percent: 5 }, { metric: memory, above: 70%, change: 0 }] }", [
            "steps[0].change: found -1; what sounds above adds: allowed is 1 or more",
            "steps[1].percent: found 5; what sounds below removes: allowed is -1 or less",
            "steps[2].change: found 0; what sounds above adds: allowed is 1 or more"] },
        { "{ min: 2, max: 8, steps: [{ metric: cpu, above: 70%, to: 9 }, { metric: cpu, below: 30%, to: 1 }] }", [
            "steps[0].to: found 9; allowed: min 2 to max 8",
            "steps[1].to: found 1; allowed: min 2 to max 8"] },
        { "{ steps: [{ metric: cpu, above: 60%, change: 1 }, { metric: cpu, below: 70%, change: -1 }, { metric: cpu, above: 60%, change: 2 }] }", [
            "steps[1]: adds and removes at the same value with steps[0]: one sounds above 60%, the other below 70%",
            "steps[2]: is the same alarm as steps[0]; keep one"] },
        { "{ steps: [{ metric: cpu, below: 0%, change: -1 }, { metric: p95, above: 70%, change: 1 }, { metric: queue-age, above: 1m, change: 1 }] }", [
            "steps[0].below: found 0%; allowed: more than 0",
            "steps[1].above: p95 is a duration, such as 400ms; found 70%",
            "steps[2].queue: is missing; queues that api works on: orders, mail"] },
        { "{ steps: [{ metric: cpu, above: 70%, change: 2k, cooldown: 2d }] }", [
            "steps[0].change: found 2k; allowed: -1k to 1k",
            "steps[0].cooldown: found 2d; allowed: 0s to 1d"] },
    };

    [Theory]
    [MemberData(nameof(Steps))]
    public void Of_steps(string scale, string[] expected) => Expect(scale, expected);

    public static TheoryData<string, string[]> Rates => new()
    {
        { "policies: [{ percent: 100, every: 30s }, { instances: 4, every: 30s }], select: max", [] },
        { "policies: [{ every: 30s }, { percent: 50, instances: 1, every: 30s }, { percent: 50 }]", [
            "in.policies[0]: needs percent or instances: how many in that time",
            "in.policies[1]: has both percent and instances; keep one",
            "in.policies[2].every: is missing"] },
        { "policies: [{ percent: 200, every: 30s }]", ["in.policies[0].percent: found 200; no more than all can be removed: allowed are 1 to 100"] },
        { "select: disabled, window: 5m, policies: [{ percent: 50, every: 30s }]", [
            "in.window: has no effect with select: disabled; remove one of them",
            "in.policies: has no effect with select: disabled; remove one of them"] },
        { "select: disabled", [] },
    };

    [Theory]
    [MemberData(nameof(Rates))]
    public void Of_rates(string rate, string[] expected) => Expect($"{{ metrics: [{{ metric: cpu, target: 70% }}], out: {{ policies: [{{ percent: 200, every: 30s }}] }}, in: {{ {rate} }} }}", expected);

    public static TheoryData<string, string[]> Schedules => new()
    {
        { "{ from: 0 2 * * *, to: 0 6 * * *, min: 2, max: 4, time-zone: Africa/Douala }", [] },
        { "{ from: 0 2 * * *, to: 0 6 * * *, max: 50 }", [] },
        { "{ from: 0 2 * * *, to: 0 2 * * 0-6, min: 4 }", ["schedule[0].to: is the same as from, so it would never be in effect"] },
        { "{ from: 0 25 * * *, to: 0 6 * * *, min: 4, time-zone: Europe/Berlyn }", [
            "schedule[0].from: '0 25 * * *': '25' is no hour; allowed: 0 to 23, *, and these in lists, ranges and steps (1,5 1-5 */5)",
            "schedule[0].time-zone: there is no time zone 'Europe/Berlyn'; allowed: IANA names such as UTC or Europe/Berlin"] },
        { "{ from: 0 2 * * *, to: 0 6 * * * }", ["schedule[0]: changes nothing; give min, max or both"] },
        { "{ from: 0 2 * * *, to: 0 6 * * *, min: 5, max: 4 }", ["schedule[0].min: 5 is more than max 4"] },
        { "{ from: 0 2 * * *, to: 0 6 * * *, min: 21 }", ["schedule[0].min: 21 is more than the service's max 20; give max here, too"] },
        { "{ from: 0 2 * * *, to: 0 6 * * *, max: 2 }", ["schedule[0].max: 2 is less than the service's min 3; give min here, too"] },
        { "{ from: 0 2 * * *, to: 0 6 * * *, min: 0, max: 0 }", ["schedule[0].max: is 0, and gateway.routes[1] leads to api: its requests would find no instance; set it to 1 or more"] },
        { "{ from: 0 2 * * *, to: 0 6 * * *, min: 0 }", ["schedule[0].min: is 0, and gateway.routes[1] leads to api: its requests would find no instance; set it to 1 or more"] },
        { "{ to: 0 6 * * *, min: 4 }", ["schedule[0].from: is missing"] },
    };

    [Theory]
    [MemberData(nameof(Schedules))]
    public void Of_schedules(string schedule, string[] expected) => Expect($"{{ min: 3, max: 20, schedule: [{schedule}] }}", expected);

    public static TheoryData<string, string[]> Workers => new()
    {
        { "{ min: 0, metrics: [{ metric: queue-depth, target: 10, queue: images }] }", [] },
        { "{ min: 0, steps: [{ metric: queue-age, queue: images, above: 1m, change: 1 }] }", [] },
        { "{ min: 0 }", ["min: is 0, and nothing would start an instance again; add a metric of a queue (queue-depth, queue-age, queue-drain), or set it to 1 or more"] },
        { "{ min: 0, steps: [{ metric: queue-age, queue: images, below: 1m, change: -1 }] }", ["min: is 0, and nothing would start an instance again; add a metric of a queue (queue-depth, queue-age, queue-drain), or set it to 1 or more"] },
        { "{ min: 1, schedule: [{ from: 0 2 * * *, to: 0 6 * * *, min: 0, max: 0 }] }", [] },
        { "{ min: 1, schedule: [{ from: 0 2 * * *, to: 0 6 * * *, min: 0 }] }", ["schedule[0].min: is 0, and nothing would start an instance again; add a metric of a queue (queue-depth, queue-age, queue-drain), or set it to 1 or more"] },
        { "{ metrics: [{ metric: p95, target: 1s }, { metric: cpu, target: 70% }, { metric: memory, target: 70% }] }", [
            "metrics[0].metric: p95 is measured at the gateway, and no route leads to worker; add one, or take another metric",
            "metrics[1].metric: cpu is a share of instance.cpu, and the service has none; set it",
            "metrics[2].metric: memory is a share of instance.memory, and the service has none; set it"] },
        { "{ steps: [{ metric: requests-per-second, above: 5, change: 1 }] }", ["steps[0].metric: requests-per-second is measured at the gateway, and no route leads to worker; add one, or take another metric"] },
    };

    [Theory]
    [MemberData(nameof(Workers))]
    public void Of_a_service_that_no_route_leads_to(string scale, string[] expected) => Assert.Equal(
        expected.Select(error => $"services.worker.scale.{error}"),
        Errors($"worker: {{ project: ., scale: {scale} }}"));

    public static TheoryData<string, string[]> Stores => new()
    {
        { "cpu: 1, replicas: 2, scale: { min: 1, max: 5, metrics: [{ metric: cpu, target: 70% }] }", [] },
        { "replicas: 6, scale: { metrics: [{ metric: cpu, target: 70% }, { metric: cpu, target: 5 }, { metric: p95, target: 1s }] }", [
            "replicas: found 6; with scale it is the number at first: min 1 to max 5",
            "scale.metrics[0].metric: cpu is a share of stores.data.cpu, and the store has none; set it",
            "scale.metrics[1].metric: cpu is a share of stores.data.cpu, and the store has none; set it",
            "scale.metrics[1]: cpu has a target already; keep one",
            "scale.metrics[1].target: cpu is a share of the instance's limit, such as 70%; found 5",
            "scale.metrics[2].metric: replicas are scaled by cpu, found p95"] },
        { "scale: { min: 4, max: 2, in: { window: 1m } }", [
            "scale.min: 4 is more than max 2",
            "scale.in: has no effect: neither metrics nor a schedule change the number; give one of them, or remove it"] },
        { "scale: { min: 0, max: 9 }", ["scale.min: found 0; allowed: 1 to 8", "scale.max: found 9; allowed: 1 to 8"] },
        { "scale: { schedule: [{ from: 0 2 * * *, to: 0 6 * * *, min: 0 }, { from: 0 2 * * *, to: 0 6 * * *, max: 9 }, { from: 0 2 * * *, to: 0 6 * * *, min: 7 }] }", [
            "scale.schedule[0].min: found 0; allowed: 1 to 8",
            "scale.schedule[1].max: found 9; allowed: 1 to 8",
            "scale.schedule[2].min: 7 is more than the store's max 5; give max here, too"] },
    };

    [Theory]
    [MemberData(nameof(Stores))]
    public void Of_replicas(string store, string[] expected) => Assert.Equal(
        expected.Select(error => $"stores.data.{error}").Order(StringComparer.Ordinal),
        Errors("api: { project: . }", $"data: {{ engine: postgres, {store} }}").Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("api: { engine: postgres, scale: {} }", "stores.api: 'api' is a service, too, and 'tenfold scale' would not know which of them is meant; take another name")]
    [InlineData("r: { engine: redis, cpu: 1 }", "stores.r.cpu: is only for engine postgres; remove it")]
    [InlineData("r: { engine: redis, scale: {} }", "stores.r.scale: is only for engine postgres; remove it")]
    public void Of_which_stores_may_scale(string store, string expected) => Assert.Equal([expected], Errors("api: { project: . }", store));

    [Fact]
    public void A_route_with_weights_leads_to_each_of_its_services() =>
        Assert.Equal([], Errors("web: { command: [b], scale: { metrics: [{ metric: p95, target: 1s }] } }"));

    private static void Expect(string scale, string[] expected) => Assert.Equal(
        expected.Select(error => $"{Api}.{error}").Order(StringComparer.Ordinal),
        Errors($"api: {{ project: ., instance: {{ cpu: 500m, memory: 512Mi }}, scale: {scale} }}").Order(StringComparer.Ordinal));

    // Without file, line and column, which the tests of the other rules are about.
    private static string[] Errors(string service, string store = "s: { engine: redis }")
    {
        string[] others = ["api: { project: . }", "web: { command: [b] }", "worker: { project: . }"];
        var services = others.Select(other => other.Split(':')[0] == service.Split(':')[0] ? service : other);
        return [.. Guides.Errors($$"""
            system: shop
            services: { {{string.Join(", ", services)}} }
            stores: { main: { engine: postgres }, {{store}} }
            gateway: { routes: [{ path: /w/**, service: web }, { path: /**, services: { api: 1, web: 1 } }] }
            queues: { orders: { service: api }, mail: { service: api }, images: {} }
            """).Select(error => error.Split(": ", 3) is [_, var path, var message] ? $"{path}: {message}" : error)];
    }
}
