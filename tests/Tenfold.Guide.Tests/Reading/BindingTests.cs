using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Tests.Reading;

public sealed class BindingTests
{
    // Each line of YAML stands in the service, from line 4 on, indented by 4.
    public static TheoryData<string, string[]> Service => new()
    {
        { "comand: [a]", ["4:5: services.api.comand: unknown key; did you mean 'command'? Allowed: project, command, environment, seed, instance, health, drain, socket, scale", "3:3: services.api: needs a project (a folder with a .csproj) or a command (program and arguments)"] },
        { "command: [a]\nnonsense: 1", ["5:5: services.api.nonsense: unknown key; allowed: project, command, environment, seed, instance, health, drain, socket, scale"] },
        { "command: a b", ["4:14: services.api.command: expected a list, found 'a b'"] },
        { "command: [a]\nscale: 5", ["5:12: services.api.scale: expected a mapping, found '5'; allowed keys: min, max, algorithm, metrics, steps, out, in, schedule, predict, tolerance, every"] },
        { "command: [a]\nscale: [5]", ["5:5: services.api.scale: expected a mapping, found a list; allowed keys: min, max, algorithm, metrics, steps, out, in, schedule, predict, tolerance, every"] },
        { "command: [a]\nscale: { min: many }", ["5:19: services.api.scale.min: expected a number such as 5 or 50k, found 'many'"] },
        { "command: [a]\nscale: { min: 1.5 }", ["5:19: services.api.scale.min: expected a whole number, found '1.5'"] },
        { "command: [a]\nscale: { min: 0x10 }", ["5:19: services.api.scale.min: expected a number such as 5 or 50k, found '0x10'"] },
        { "command: [a]\nscale: { min: 1e3 }", ["5:19: services.api.scale.min: expected a number such as 5 or 50k, found '1e3'"] },
        { "command: [a]\nscale: { min: 5000M }", ["5:19: services.api.scale.min: the number 5000M is too large"] },
        { "command: [a]\nscale: { min: -1 }", ["5:19: services.api.scale.min: found -1; allowed: 0 to 1k"] },
        { "command: [a]\nscale: { max: 2k }", ["5:19: services.api.scale.max: found 2k; allowed: 1 to 1k"] },
        { "command: [a]\nscale: { min: [1] }", ["5:14: services.api.scale.min: expected a count, found a list"] },
        { "command: [a]\nsocket: yes", ["5:13: services.api.socket: expected true or false, found 'yes'"] },
        { "command: [a]\ndrain: 30", ["5:12: services.api.drain: '30' has no unit; add one: 30ms, 30s, 30m, 30h or 30d"] },
        { "command: [a]\ndrain: 30sec", ["5:12: services.api.drain: expected a duration such as 500ms, 30s, 5m or 1h, found '30sec'"] },
        { "command: [a]\ndrain: -5s", ["5:12: services.api.drain: expected a duration such as 500ms, 30s, 5m or 1h, found '-5s'"] },
        { "command: [a]\ndrain: 2h", ["5:12: services.api.drain: found 2h; allowed: 0s to 1h"] },
        { "command: [a]\ndrain: 99999999999999d", ["5:12: services.api.drain: '99999999999999d' is too long or too fine for a duration"] },
        { "command: [a]\ninstance: { cpu: half }", ["5:22: services.api.instance.cpu: expected a processor share such as 500m or 1.5, found 'half'"] },
        { "command: [a]\ninstance: { cpu: 1.5m }", ["5:22: services.api.instance.cpu: '1.5m' is too much or too fine: a processor share is counted in whole thousandths of a core"] },
        { "command: [a]\ninstance: { cpu: 1m }", ["5:22: services.api.instance.cpu: found 1m; allowed: 10m to 1024"] },
        { "command: [a]\ninstance: { memory: 512MB }", ["5:25: services.api.instance.memory: expected a size such as 512Mi, 1Gi or 64k, found '512MB'"] },
        { "command: [a]\ninstance: { memory: 512m }", ["5:25: services.api.instance.memory: expected a size such as 512Mi, 1Gi or 64k, found '512m'"] },
        { "command: [a]\ninstance: { memory: 512 }", ["5:25: services.api.instance.memory: found 512; allowed: 4Mi to 1024Gi"] },
        { "command: [a]\ninstance:", ["5:5: services.api.instance: has no value; give it one, or remove the key"] },
        { "command: [a]\nhealth: { path: null }", ["5:15: services.api.health.path: has no value; give it one, or remove the key"] },
        { "command: [a, { b: c }, ~]", ["4:18: services.api.command[1]: expected a text, found a mapping", "4:28: services.api.command[2]: has no value; give it one, or remove the key"] },
        { "command: [a]\nenvironment: [A]", ["5:5: services.api.environment: expected a mapping, found a list"] },
        { "command: [a]\nscale: { mix: 4 }", ["5:14: services.api.scale.mix: unknown key; did you mean 'min'? Allowed: min, max, algorithm, metrics, steps, out, in, schedule, predict, tolerance, every"] },
        { "command: [a]\nscale: { metrics: [{ metric: cpu, target: much }, { metric: spu, target: 0x7 }] }", [
            "5:47: services.api.scale.metrics[0].target: expected a percentage (70%), a duration (400ms) or a number (1000), as the metric has it, found 'much'",
            "5:65: services.api.scale.metrics[1].metric: unknown value 'spu'; did you mean 'cpu'? Allowed: cpu, memory, requests-per-second, in-flight, average, p95, p99, queue-depth, queue-age, queue-drain",
            "5:78: services.api.scale.metrics[1].target: expected a percentage (70%), a duration (400ms) or a number (1000), as the metric has it, found '0x7'",
            "5:34: services.api.scale.metrics[0].metric: cpu is a share of instance.cpu, and the service has none; set it"] },
        { "command: [a]\nscale: { schedule: [{ from: 2, to: 0 6 * * * }] }", [
            "5:33: services.api.scale.schedule[0].from: expected five fields (minute, hour, day, month, weekday) such as 0 2 * * *, found '2'",
            "5:25: services.api.scale.schedule[0]: changes nothing; give min, max or both"] },
    };

    [Theory]
    [MemberData(nameof(Service))]
    public void A_wrong_value_is_shown_with_its_place_and_what_is_allowed(string service, string[] expected)
    {
        var yaml = $"system: shop\nservices:\n  api:\n    {service.Replace("\n", "\n    ", StringComparison.Ordinal)}\n";

        Assert.Equal(expected.Select(e => $"g:{e}").Order(StringComparer.Ordinal), Guides.Errors(yaml).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Sections_of_later_issues_are_refused_by_name() => Assert.Equal(
        [
            "g:3:1: prices: `prices` is not supported yet",
        ],
        Guides.Errors(Guides.Start.TrimEnd() + """

            prices: {}
            stores: { main: { engine: postgres, slow-query: 100ms } }
            """));

    [Fact]
    public void Missing_keys_stand_where_they_should_have_been() => Assert.Equal(
        [
            "g:1:1: system: is missing",
            "g:2:11: stores.main.engine: is missing",
            "g:4:12: gateway.routes[0].path: is missing",
            "g:5:12: budgets[0].route: is missing",
            "g:6:9: load.t.stages: is missing",
            "g:6:9: load.t.scenario: is missing",
        ],
        Guides.Errors("""
            services: { api: { command: [a] } }
            stores: { main: {} }
            gateway:
              routes: [{ service: api }]
            budgets: [ { p95: 1s } ]
            load: { t: {} }
            """));

    [Fact]
    public void An_unreadable_item_raises_no_second_error()
    {
        Assert.Equal(
            ["g:2:11: services: expected a mapping, found 'none'"],
            Guides.Errors("system: shop\nservices: none\ngateway: { routes: [{ path: /, service: api }] }"));
        Assert.Equal(
            ["g:4:34: load.t.stages[0].for: '1' has no unit; add one: 1ms, 1s, 1m, 1h or 1d"],
            Guides.Errors(Guides.Start + "load:\n  t: { stages: [{ users: 5, for: 1 }], scenario: [{ get: / }] }"));
    }

    [Fact]
    public void An_unreadable_route_does_not_take_its_budget_along() => Assert.Equal(
        ["g:3:29: gateway.routes[0].path: 'api': a path begins with '/'"],
        Guides.Errors(Guides.Start + "gateway: { routes: [{ path: api, service: api }] }\nbudgets: [{ route: GET /api, p95: 1s }]"));

    [Fact]
    public void A_list_or_mapping_has_at_most_a_thousand_items() => Assert.Equal(
        ["g:3:1: budgets: has 1,001 items; allowed: at most 1,000"],
        Guides.Errors(Guides.Start + "budgets: [" + string.Concat(Enumerable.Range(0, 1001).Select(i => $"{{route: GET /{i}, p95: 1s}},")) + "]"));

    [Theory]
    [InlineData("{ gett: / }", "has no kind; did you mean 'get'? Exactly one is allowed: get, post, put, patch, delete, think, parallel, share")]
    [InlineData("{ expect: 200 }", "has no kind; exactly one is allowed: get, post, put, patch, delete, think, parallel, share")]
    [InlineData("{ get: /, think: 1s }", "has several kinds: get, think; exactly one is allowed: get, post, put, patch, delete, think, parallel, share")]
    [InlineData("get /", "expected a step such as { get: /path } or { think: 1s }, found 'get /'")]
    public void A_step_has_exactly_one_kind(string step, string message) => Assert.Contains(
        $"load.t.scenario[0]: {message}",
        Assert.Single(Guides.Errors(Guides.Start + $"load: {{ t: {{ stages: [{{ for: 1s, users: 1 }}], scenario: [{step}, {{ get: / }}] }} }}")),
        StringComparison.Ordinal);

    [Fact]
    public void A_step_takes_the_keys_of_its_kind() => Assert.Equal(
        ["g:3:71: load.t.scenario[0].json: unknown key; allowed: think", "g:3:92: load.t.scenario[1].expct: unknown key; did you mean 'expect'? Allowed: headers, json, expect, capture"],
        Guides.Errors(Guides.Start + "load: { t: { stages: [{ for: 1s, users: 1 }], scenario: [{ think: 1s, json: 1 }, { get: /, expct: 1 }] } }"));

    [Fact]
    public void An_unknown_word_is_answered_with_the_known_ones() => Assert.Equal(
        [
            "g:3:55: gateway.routes[0].balance: unknown value 'least-conections'; did you mean 'least-connections'? Allowed: power-of-two-choices, round-robin, weighted, least-connections, consistent-hash",
            "g:4:27: stores.main.engine: unknown value 'mongodb'; allowed: postgres, redis",
        ],
        Guides.Errors(Guides.Start + "gateway: { routes: [{ path: /, service: api, balance: least-conections }] }\nstores: { main: { engine: mongodb } }"));

    [Fact]
    public void Keys_that_begin_with_x_are_places_for_anchors()
    {
        var guide = Guides.Read("""
            system: shop
            x-node: &node { command: [node, server.js], scale: { min: 2 } }
            x-small: &small { instance: { cpu: 250m }, scale: { min: 3 } }
            services:
              api: { <<: *node, drain: 5s }
              worker: { <<: [*small, *node] }
              copy: *node
            """);

        Assert.Equal((2, 5d), (guide.Services["api"].Scale.Min, guide.Services["api"].Drain.TotalSeconds));
        Assert.Equal((3, new Cpu(250)), (guide.Services["worker"].Scale.Min, guide.Services["worker"].Instance.Cpu));
        Assert.Equal(["node", "server.js"], guide.Services["worker"].Command!);
        Assert.Equal(["node", "server.js"], guide.Services["copy"].Command!);
    }

    [Fact]
    public void An_error_in_an_anchor_is_shown_there_for_everyone_who_uses_it() => Assert.Equal(
        ["g:2:38: services.api.drain: '5' has no unit; add one: 5ms, 5s, 5m, 5h or 5d", "g:2:38: services.web.drain: '5' has no unit; add one: 5ms, 5s, 5m, 5h or 5d"],
        Guides.Errors("system: shop\nx-node: &node { command: [a], drain: 5 }\nservices: { api: *node, web: { <<: *node } }\n"));
}
