namespace Tenfold.Guide.Tests.Validation;

/// <summary>One row a rule: the part of the guide from line 3 on, and every error that it raises.</summary>
public sealed class RuleTests
{
    private const string Names = "1 to 40 lower-case letters, digits and dashes, with a letter or digit first and last";
    private const string Methods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE";

    public static TheoryData<string, string[]> Gateway => new()
    {
        { "port: 65536", ["4:9: gateway.port: found 65536; allowed: 0 to 65535"] },
        { "address: example.com", ["4:12: gateway.address: 'example.com' is no address; allowed: localhost, \"*\" (every address), or an IP address"] },
        { "trust-forwarded: [10.0.0.0/8, 10.0.0.1, home, fd00::/8, 10.0.0.0/99]", [
            "4:33: gateway.trust-forwarded[1]: '10.0.0.1' is no network; did you mean '10.0.0.1/32'?",
            "4:43: gateway.trust-forwarded[2]: 'home' is no network; allowed: an address and a prefix length with no bits set after it, such as 10.0.0.0/8",
            "4:59: gateway.trust-forwarded[4]: '10.0.0.0/99' is no network; allowed: an address and a prefix length with no bits set after it, such as 10.0.0.0/8"] },
        { "retries: { attempts: 11, budget: 101% }", [
            "4:24: gateway.retries.attempts: found 11; allowed: 0 to 10",
            "4:36: gateway.retries.budget: found 101%; allowed: 0% to 100%"] },
        { "tls: { certificate: a.pem }", ["4:3: gateway.tls.key: is missing"] },
        { "routes: [{ path: /a }]", ["4:12: gateway.routes[0]: goes nowhere: needs a service; the guide has: api, web"] },
        { "routes: [{ path: /a, service: apo }]", ["4:33: gateway.routes[0].service: there is no service 'apo'; did you mean 'api'? The guide has: api, web"] },
        { "routes: [{ path: /a, service: shop }]", ["4:33: gateway.routes[0].service: there is no service 'shop'; the guide has: api, web"] },
        { "routes: [{ path: /a, service: api, services: { web: 1 } }]", ["4:12: gateway.routes[0]: has both service and services; keep one"] },
        { "routes: [{ path: /a, services: {} }]", ["4:24: gateway.routes[0].services: is empty; name a service and its weight, such as { api: 1 }"] },
        { "routes: [{ path: /a, services: { api: 0, wep: 5 } }]", [
            "4:41: gateway.routes[0].services.api: found 0; allowed: 1 to 1k",
            "4:49: gateway.routes[0].services.wep: there is no service 'wep'; did you mean 'web'? The guide has: api, web"] },
        { "routes: [{ path: a, service: api }]", ["4:20: gateway.routes[0].path: 'a': a path begins with '/'"] },
        { "routes: [{ path: /**/a, service: api }]", ["4:20: gateway.routes[0].path: '/**/a': '**' stands at the end only; one segment is '{name}'"] },
        { "routes: [{ path: \"/a?b=1\", service: api }]", ["4:20: gateway.routes[0].path: '/a?b=1': a path pattern has no query, fragment or space"] },
        { "routes: [{ path: /a, service: api, host: \"a.b:80\" }]", ["4:44: gateway.routes[0].host: 'a.b:80' is no host; allowed: a name without port such as shop.example.com, or \"*.example.com\""] },
        { "routes: [{ path: /a, service: api, methods: [GTE, get, POST, POST] }]", [
            $"4:48: gateway.routes[0].methods[0]: unknown method 'GTE'; did you mean 'GET'? Allowed: {Methods}",
            $"4:53: gateway.routes[0].methods[1]: unknown method 'get'; did you mean 'GET'? Allowed: {Methods}",
            "4:64: gateway.routes[0].methods[3]: POST is given twice"] },
        { "routes: [{ path: /a, service: api, headers: { \"a b\": c, X: \"d\\ne\", x: f } }]", [
            "4:49: gateway.routes[0].headers.a b: 'a b' is no header name; allowed: letters, digits and !#$%&'*+-.^_`|~",
            "4:62: gateway.routes[0].headers.X: holds a line end; allowed: one line",
            "4:70: gateway.routes[0].headers.x: the header x is given twice"] },
        { "routes: [{ path: /a, service: api, hash: address }]", ["4:44: gateway.routes[0].hash: is only for balance consistent-hash; set that, or remove it"] },
        { "routes: [{ path: /a, service: api, balance: consistent-hash, hash: ip }]", ["4:70: gateway.routes[0].hash: unknown value 'ip'; allowed: address, header:NAME, cookie:NAME"] },
        { "routes: [{ path: /a, service: api, balance: consistent-hash, hash: \"header:\" }]", ["4:70: gateway.routes[0].hash: unknown value 'header:'; allowed: address, header:NAME, cookie:NAME"] },
        { "routes: [{ path: /a, service: api, first-byte-timeout: 10s, timeout: 5s }]", ["4:58: gateway.routes[0].first-byte-timeout: 10s is more than timeout 5s"] },
        { "routes: [{ path: \"/a/{x}\", service: api }, { path: \"/a/{y}\", service: web }]", ["4:46: gateway.routes[1]: never used: routes[0] takes the same requests"] },
        { "routes: [{ path: /a, service: api, headers: { X: a }, methods: [GET, PUT] }, { path: /a, service: web, headers: { x: a }, methods: [PUT, GET] }]", [
            "4:80: gateway.routes[1]: never used: routes[0] takes the same requests"] },
        { "routes: [{ path: /a, service: api }, { path: /a, service: web, host: a.b }, { path: /a, service: web, query: { a: b } }, { path: /a/**, service: web }]", [] },
    };

    [Theory]
    [MemberData(nameof(Gateway))]
    public void Of_the_gateway(string section, string[] expected) => Expect(
        $"system: shop\nservices: {{ api: {{ command: [a] }}, web: {{ command: [b] }} }}\ngateway:\n  {section}", expected);

    public static TheoryData<string, string[]> Cache => new()
    {
        { "{ ttl: 1h }", [] },
        { "{ }", ["5:3: cache.a.ttl: is missing"] },
        { "{ ttl: 1m, l1-ttl: 1h }", ["5:25: cache.a.l1-ttl: 1h is more than ttl 1m"] },
        { "{ ttl: 1m, stale: 1h, soft-timeout: 1m }", ["5:42: cache.a.soft-timeout: 1m is more than hard-timeout 30s"] },
        { "{ ttl: 1m, soft-timeout: 1s }", ["5:31: cache.a.soft-timeout: serves a stale value, and none is kept; give stale, or remove it"] },
        { "{ ttl: 1m, tags: [b, '*', ''] }", [
            "5:27: cache.a.tags[1]: '*' is no tag; * is everything already",
            "5:32: cache.a.tags[2]: '' is no tag; * is everything already"] },
        { "{ ttl: 1m, eager: 100% }", ["5:24: cache.a.eager: found 100%; allowed: 1% to 99%"] },
        { "{ ttl: 1m, http: { vary: [Accept, accept, 'a b'] } }", [
            "5:40: cache.a.http.vary[1]: the header accept is given twice",
            "5:48: cache.a.http.vary[2]: 'a b' is no header name; allowed: letters, digits and !#$%&'*+-.^_`|~"] },
    };

    [Theory]
    [MemberData(nameof(Cache))]
    public void Of_a_cache_policy(string policy, string[] expected) => Expect(
        $"system: shop\nservices: {{ api: {{ command: [a] }} }}\nstores: {{ r: {{ engine: redis }} }}\ncache:\n  a: {policy}", expected);

    [Fact]
    public void Of_the_store_of_the_cache()
    {
        const string Start = "system: shop\nservices: { api: { command: [a] } }\ncache: { a: { ttl: 1h } }\n";
        Expect(Start, ["3:1: cache: needs a store of engine redis, through which instances tell each other what has changed"]);
        Expect(Start + "stores: { r: { engine: redis }, s: { engine: redis } }", ["3:1: cache: there are 2 stores of engine redis (r, s); call the one for the cache 'cache'"]);
        Expect(Start + "stores: { cache: { engine: redis }, s: { engine: redis } }", []);
    }

    public static TheoryData<string, string[]> Warm => new()
    {
        { "{ requests: [/a], service: api }", [] },
        { "{ requests: [/a] }", ["4:3: warm.w.service: is missing; there are several services: api, web"] },
        { "{ requests: [a, /a b], service: wep }", [
            "4:19: warm.w.requests[0]: expected a path that begins with /, found 'a'",
            "4:22: warm.w.requests[1]: '/a b' holds a space, a line end or #; write %20 or %23",
            "4:38: warm.w.service: there is no service 'wep'; did you mean 'web'? Allowed: api, web"] },
        { "{ requests: [], service: api, on-start: false }", [
            "4:3: warm.w: is never done; give every, or leave on-start true",
            "4:8: warm.w.requests: is empty; give at least one path"] },
    };

    [Theory]
    [MemberData(nameof(Warm))]
    public void Of_a_warm_up(string warmup, string[] expected) => Expect(
        $"system: shop\nservices: {{ api: {{ command: [a] }}, web: {{ command: [b] }} }}\nwarm:\n  w: {warmup}", expected);

    public static TheoryData<string, string[]> RateLimits => new()
    {
        { "{ limit: 100, per: 15m, by: adress }", ["6:34: rate-limits.a.by: unknown value 'adress'; did you mean 'address'? Allowed: address, user, api-key, route, header:NAME"] },
        { "{ limit: 100, per: 15m, by: \"header:a b\" }", ["6:34: rate-limits.a.by: 'a b' is no header name; expected header:NAME, such as header:X-Tenant"] },
        { "{ limit: 100, per: 15m, by: user, at: gateway }", ["6:44: rate-limits.a.at: the gateway does not know users; with by: user it is at: app (the default), or take by: header:NAME"] },
        { "{ limit: 0, per: 500ms }", ["6:15: rate-limits.a.limit: found 0; allowed: 1 to 100M", "6:23: rate-limits.a.per: found 500ms; allowed: 1s to 366d"] },
        { "{ per: 1s }", ["6:3: rate-limits.a.limit: is missing"] },
        { "{ limit: 200k, per: 1s }", ["6:15: rate-limits.a.limit: 200,000 in 1s is more than 100,000 a second; allowed: at most that"] },
        { "{ limit: 1, per: 1d, burst: 1k }", ["6:34: rate-limits.a.burst: takes longer than 366 days to be earned back; take a smaller burst, or a higher limit"] },
        { "{ limit: 1, per: 1s, brust: 5 }", ["6:27: rate-limits.a.brust: unknown key; did you mean 'burst'? Allowed: limit, per, by, burst, block, routes, except, at, store, insurance"] },
        { "{ limit: 1, per: 1s, routes: [/api/x, GTE /api, api, /other, /api/x] }", [
            "6:44: rate-limits.a.routes[1]: unknown method 'GTE'; did you mean 'GET'? Allowed: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE",
            "6:54: rate-limits.a.routes[2]: 'api': a path begins with '/'; expected a path such as /api/** or a method and a path such as POST /api/orders",
            "6:59: rate-limits.a.routes[3]: no route of the gateway takes /other",
            "6:67: rate-limits.a.routes[4]: /api/x is given twice"] },
        { "{ limit: 1, per: 1s, except: [10.0.0.1] }", ["6:36: rate-limits.a.except[0]: '10.0.0.1' is no network; did you mean '10.0.0.1/32'?"] },
        { "{ limit: 1, per: 1s, store: cach }", ["6:34: rate-limits.a.store: there is no Redis 'cach'; did you mean 'cache'? The guide has: cache"] },
        { "{ limit: 1, per: 1s, insurance: 0% }", ["6:38: rate-limits.a.insurance: found 0%; allowed: 0.1% to 100%"] },
    };

    [Theory]
    [MemberData(nameof(RateLimits))]
    public void Of_rate_limits(string limit, string[] expected) => Expect(
        $"system: shop\nservices: {{ api: {{ command: [a] }} }}\nstores: {{ cache: {{ engine: redis }}, main: {{ engine: postgres }} }}\ngateway: {{ routes: [{{ path: /api/**, service: api }}] }}\nrate-limits:\n  a: {limit}", expected);

    [Theory]
    [InlineData("{ main: { engine: postgres } }", "4:16: rate-limits.a: needs a Redis to count in; add one, such as: stores: { cache: { engine: redis } }")]
    [InlineData("{ b: { engine: redis }, c: { engine: redis } }", "4:16: rate-limits.a: needs a store; the guide has several Redis: b, c")]
    public void A_rate_limit_needs_one_redis(string stores, string expected) => Expect(
        $"system: shop\nservices: {{ api: {{ command: [a] }} }}\nstores: {stores}\nrate-limits: {{ a: {{ limit: 1, per: 1s }} }}", [expected]);

    public static TheoryData<string, string[]> Services => new()
    {
        { "{}", ["2:1: services: a system needs at least one service"] },
        { "{ Api: { command: [a] } }", [$"2:13: services.Api: 'Api' is not a name; allowed: {Names}"] },
        { "{ -a: { command: [a] }, b_c: { command: [a] }, d-: { command: [a] } }", [
            $"2:13: services.-a: '-a' is not a name; allowed: {Names}",
            $"2:35: services.b_c: 'b_c' is not a name; allowed: {Names}",
            $"2:58: services.d-: 'd-' is not a name; allowed: {Names}"] },
        { "{ api-1: { command: [a] }, api: { command: [a] }, api-x: { command: [a] } }", ["2:13: services.api-1: 'api-1' is what an instance of api is called; take another name"] },
        { "{ api: {} }", ["2:13: services.api: needs a project (a folder with a .csproj) or a command (program and arguments)"] },
        { "{ api: { project: ., command: [a] } }", ["2:13: services.api: has both a project and a command; keep one"] },
        { "{ api: { project: \"\" } }", ["2:29: services.api.project: is empty; name a folder, such as ."] },
        { "{ api: { command: [] } }", ["2:20: services.api.command: is empty; name a program and its arguments, such as [node, server.js]"] },
        { "{ api: { command: [\" \"] } }", ["2:20: services.api.command: is empty; name a program and its arguments, such as [node, server.js]"] },
        { "{ api: { command: [a], seed: [] } }", ["2:34: services.api.seed: is empty; give the arguments, or remove the key"] },
        { "{ api: { command: [a], scale: { min: 5, max: 3 } } }", ["2:48: services.api.scale.min: 5 is more than max 3"] },
        { "{ api: { command: [a], health: { path: health } } }", ["2:50: services.api.health.path: expected a path that begins with /, found 'health'"] },
        { "{ api: { command: [a], health: { path: /a b } } }", ["2:50: services.api.health.path: '/a b' holds a space, a line end or #; write %20 or %23"] },
        { "{ api: { command: [a], health: { interval: 0, timeout: 0s, failures: 0, successes: 0, start: 0 } } }", [
            "2:54: services.api.health.interval: found 0; allowed: 10ms to 1h",
            "2:66: services.api.health.timeout: found 0s; allowed: 1ms to 1h",
            "2:80: services.api.health.failures: found 0; allowed: 1 to 1k",
            "2:94: services.api.health.successes: found 0; allowed: 1 to 1k",
            "2:104: services.api.health.start: found 0; allowed: 10ms to 1d"] },
        { "{ api: { command: [a], environment: { 1A: x, \"A=B\": x, PORT: x, TENFOLD_X: x, ConnectionStrings__main: x, Ok_1.x: y } } }", [
            "2:49: services.api.environment.1A: '1A' is not a name of an environment variable; allowed: letters, digits, _ . and -, not a digit first",
            "2:56: services.api.environment.A=B: 'A=B' is not a name of an environment variable; allowed: letters, digits, _ . and -, not a digit first",
            "2:66: services.api.environment.PORT: PORT is set by tenfold itself; remove it",
            "2:75: services.api.environment.TENFOLD_X: TENFOLD_X is set by tenfold itself; remove it",
            "2:89: services.api.environment.ConnectionStrings__main: ConnectionStrings__main is set by tenfold itself; remove it"] },
    };

    [Fact]
    public void Of_queries() => Expect(
        """
        system: shop
        services: { api: { command: [a] } }
        stores:
          main:
            engine: postgres
            queries:
              - { table: a.b.c, where: [x] }
              - { table: t, where: ["", "a; b"], order: [c desc] }
              - { table: t }
              - { table: t, order: [id] }
              - { table: t, order: [id] }
          cache: { engine: redis, queries: [] }
          other: { engine: postgres, slow-query-analyze: true }
        """,
        [
            "6:5: stores.main.queries: are looked at in the tables that schema makes, and there is none; give schema, or remove them",
            "7:18: stores.main.queries[0].table: 'a.b.c' is no name of a table (NAME or SCHEMA.NAME), of 1 to 63 letters",
            "8:29: stores.main.queries[1].where[0]: '' is no condition or column: one line of SQL without ';', of 1 to 500 letters",
            "8:33: stores.main.queries[1].where[1]: 'a; b' is no condition or column: one line of SQL without ';', of 1 to 500 letters",
            "9:9: stores.main.queries[2]: reads all of t, which no index serves; give where or order, or remove it",
            "11:9: stores.main.queries[4]: is given twice",
            "12:27: stores.cache.queries: is only for engine postgres; remove it",
            "13:50: stores.other.slow-query-analyze: is about queries over slow-query, and there is no such limit; set it, or remove this",
        ]);

    [Fact]
    public void Of_queues() => Expect(
        """
        system: shop
        services: { api: { project: . }, w: { command: [a] } }
        stores: { main: { engine: postgres }, other: { engine: postgres }, r: { engine: redis } }
        queues:
          Orders: { attempts: 0, concurrency: 20k, timeout: 1ms, rate: { limit: 5 } }
          a: { backoff: { exponential: 2s, fixed: 5s } }
          b: { backoff: { fixed: 5s, most: 1m } }
          c: { backoff: { exponential: 2h }, keep: { for: 1s } }
          d: { per-key: {} }
          e: { service: apo }
          f: { service: w }
          g: { store: mian }
          h: { store: r }
          i: { store: other }
        """,
        [
            $"5:3: queues.Orders: 'Orders' is not a name; allowed: {Names}",
            "5:23: queues.Orders.attempts: found 0; allowed: 1 to 1k",
            "5:39: queues.Orders.concurrency: found 20k; allowed: 1 to 10k",
            "5:53: queues.Orders.timeout: found 1ms; allowed: 100ms to 30d",
            "5:58: queues.Orders.rate.per: is missing",
            "6:8: queues.a.backoff: has both exponential and fixed; keep one",
            "7:36: queues.b.backoff.most: is for pauses that grow, and fixed ones do not; remove it",
            "8:32: queues.c.backoff.exponential: 2h is more than most 1h",
            "8:51: queues.c.keep.for: found 1s; allowed: 1m to 36500d",
            "9:8: queues.d.per-key: limits nothing; give concurrency or rate, or remove it",
            "10:17: queues.e.service: there is no service 'apo'; did you mean 'api'? Services with a project: api",
            "11:17: queues.f.service: w has no project, and jobs are run by .NET services with AddJobs(); services with a project: api",
            "12:15: queues.g.store: there is no store 'mian'; did you mean 'main'? Stores of engine postgres: main, other",
            "13:15: queues.h.store: r is of engine redis; jobs are kept in a store of engine postgres: main, other",
            "14:15: queues.i.store: is other, and the jobs of Orders are in main; all queues are in one store",
        ]);

    [Theory]
    [InlineData("api: { command: [a] }", "main: { engine: postgres }", "4:1: queues: are worked on by the instances of .NET services with AddJobs(), and no service has a project; remove them")]
    [InlineData("api: { project: . }", "main: { engine: redis }", "4:11: queues.a: needs a store of engine postgres, which its jobs are kept in")]
    [InlineData("api: { project: . }", "b: { engine: postgres }, c: { engine: postgres }", "4:11: queues.a.store: is missing; there are several stores of engine postgres: b, c")]
    public void Of_what_queues_need(string services, string stores, string expected) =>
        Expect($"system: shop\nservices: {{ {services} }}\nstores: {{ {stores} }}\nqueues: {{ a: {{}} }}", [expected]);

    [Fact]
    public void Of_partitions() => Expect(
        """
        system: shop
        services: { w: { project: x } }
        stores:
          main:
            engine: postgres
            partitions:
              - { table: a.b.c, by: "", every: day, archive: x }
              - { table: public.t, by: x, every: week, ahead: 0, keep: 1m }
              - { table: t, by: x, every: hour }
        """,
        [
            "7:18: stores.main.partitions[0].table: 'a.b.c' is no name of a table (NAME or SCHEMA.NAME), of 1 to 63 letters",
            "7:29: stores.main.partitions[0].by: '' is no name of a column, of 1 to 63 letters",
            "7:54: stores.main.partitions[0].archive: is for what is dropped, and nothing is without keep; add keep, or remove it",
            "8:55: stores.main.partitions[1].ahead: found 0; allowed: 1 to 1k",
            "8:64: stores.main.partitions[1].keep: found 1m; allowed: 1h to 36500d",
            "9:18: stores.main.partitions[2].table: the table t is given twice",
            "9:35: stores.main.partitions[2].every: unknown value 'hour'; allowed: day, week, month, year",
        ]);

    [Theory]
    [MemberData(nameof(Services))]
    public void Of_services(string section, string[] expected) =>
        Expect($"system: shop\nservices: {section}\nstores: {{ main: {{ engine: postgres }} }}", expected);

    public static TheoryData<string, string[]> Others => new()
    {
        { "stores: { Main: { engine: postgres } }", [$"3:11: stores.Main: 'Main' is not a name; allowed: {Names}"] },
        { "stores: { host: { engine: redis }, api-2: { engine: redis }, seed-api: { engine: redis }, api: { engine: redis } }", [
            "3:11: stores.host: 'host' is what the log of the host, of an instance, a seed or a build is called; take another name",
            "3:36: stores.api-2: 'api-2' is what the log of the host, of an instance, a seed or a build is called; take another name",
            "3:62: stores.seed-api: 'seed-api' is what the log of the host, of an instance, a seed or a build is called; take another name"] },
        { "stores: { main: { engine: postgres, pool: { min: 30 } } }", ["3:50: stores.main.pool.min: 30 is more than max 20"] },
        { "stores: { main: { engine: redis, pool: { max: 5 }, schema: sql } }", [
            "3:34: stores.main.pool: is only for engine postgres; remove it",
            "3:60: stores.main.schema: is only for engine postgres; remove it"] },
        { "stores: { main: { engine: postgres, synchronous: true } }", ["3:50: stores.main.synchronous: needs a replica to wait for; set replicas to 1 or more, or remove it"] },
        { "stores: { main: { engine: postgres, shards: 8, buckets: 4, replicas: 9 } }", [
            "3:57: stores.main.buckets: 4 buckets cannot be spread over 8 databases; each needs one at least",
            "3:70: stores.main.replicas: found 9; allowed: 0 to 8"] },
        { "stores: { main: { engine: redis, shards: 2 } }", ["3:42: stores.main.shards: is only for engine postgres; remove it"] },
        { "stores: { main: { engine: postgres, partitions: [{ table: a, by: b, every: day }] } }", [
            "3:37: stores.main.partitions: are kept by the instances of .NET services with AddTenfold(), and no service has a project; remove them"] },
        { "stores: { main: { engine: redis, partitions: [{ table: a, by: b, every: day }] } }", ["3:34: stores.main.partitions: is only for engine postgres; remove it"] },
        { "stores: { main: { engine: postgres, memory: 1Mi } }", ["3:45: stores.main.memory: found 1Mi; allowed: 4Mi to 1024Gi"] },
        { "budgets: [{ route: GET /a }]", ["3:11: budgets[0]: promises nothing; give at least one of: average, p95, p99, timeout, errors"] },
        { "budgets: [{ route: /a, p95: 1s }]", ["3:20: budgets[0].route: expected a method and a path such as GET /api/products, found '/a'"] },
        { "budgets: [{ route: GTE /a, p95: 1s }]", [$"3:20: budgets[0].route: unknown method 'GTE'; did you mean 'GET'? Allowed: {Methods}"] },
        { "budgets: [{ route: GET a, p95: 1s }]", ["3:20: budgets[0].route: 'GET a': a path begins with '/'"] },
        { "budgets: [{ route: \"GET /a/{x}\", p95: 1s }, { route: \"GET /a/{y}\", p95: 1s }, { route: \"PUT /a/{y}\", p95: 1s }]", [
            "3:54: budgets[1].route: GET /a/{y} has a budget already: budgets[0]"] },
        { "budgets: [{ route: GET /a, p95: 2s, p99: 1s, timeout: 500ms, average: 3s }]", [
            "3:33: budgets[0].p95: 2s is more than p99 1s",
            "3:42: budgets[0].p99: 1s is more than timeout 500ms",
            "3:71: budgets[0].average: 3s is more than timeout 500ms"] },
        { "budgets: [{ route: GET /a, p95: 2s, timeout: 1s }]", ["3:33: budgets[0].p95: 2s is more than timeout 1s"] },
        { "budgets: [{ route: GET /a, errors: 0.1 }]", ["3:36: budgets[0].errors: '0.1' has no unit; write 0.1%"] },
        { "gateway: { routes: [{ path: /api/**, methods: [GET], service: api }] }\nbudgets: [{ route: GET /api/a, p95: 1s }, { route: GET /apj/a, p95: 1s }, { route: POST /api/a, p95: 1s }]", [
            "4:52: budgets[1].route: no route of the gateway takes GET /apj/a",
            "4:84: budgets[2].route: no route of the gateway takes POST /api/a"] },
    };

    [Theory]
    [MemberData(nameof(Others))]
    public void Of_stores_and_budgets(string section, string[] expected) => Expect(Guides.Start + section, expected);

    private const string Test = "load: { t: { stages: [{ for: 5s, rate: 1 }], scenario: [{ get: / }]";

    public static TheoryData<string, string[]> LoadTests => new()
    {
        { "milestones: [{ users: 1k }, { users: 10k, p95: 1s }]\n" + Test + ", milestone: 10k } }", [] },
        { "milestones: [{ users: 1k }]\n" + Test + ", milestone: 10k } }", ["4:81: load.t.milestone: there is no milestone of 10000 users; there are 1000"] },
        { Test + ", milestone: 10k } }", ["3:81: load.t.milestone: there is no milestone of 10000 users; the guide has none"] },
        { "milestones: [{ users: 10k }, { users: 10k }]", ["3:39: milestones[1].users: 10000 users do not come after 10000; each milestone has more than the one before"] },
        { Test + ", data: { a: { file: a.csv }, b: { service: api, args: [x] } } } }", [] },
        { Test + ", data: { 1a: { file: a.csv }, pick: { file: a.csv } } } }", [
            "3:78: load.t.data.1a: '1a' is no name of a table; allowed: letters, digits, _ and -, not a digit first, and none of uuid, user, iteration, random, pick",
            "3:99: load.t.data.pick: 'pick' is no name of a table; allowed: letters, digits, _ and -, not a digit first, and none of uuid, user, iteration, random, pick"] },
        { Test + ", data: { a: { }, b: { file: x, service: api } } } }", [
            "3:78: load.t.data.a: needs either a file or a service: { file: buyers.csv } or { service: api, args: [tokens] }",
            "3:86: load.t.data.b: needs either a file or a service: { file: buyers.csv } or { service: api, args: [tokens] }"] },
        { Test + ", data: { a: { service: app }, b: { file: x, args: [y] } } } }", [
            "3:92: load.t.data.a.service: there is no service 'app'; did you mean 'api'? Allowed: api",
            "3:113: load.t.data.b.args: are for the command of a service; a file takes none"] },
    };

    public static TheoryData<string, string, string[]> Load => new()
    {
        { "[]", "[{ get: / }]", ["4:5: load.t.stages: is empty; a stage is { for: 1m, users: 10 } or { for: 1m, rate: 100 }"] },
        { "[{ for: 1s }]", "[{ get: / }]", ["4:14: load.t.stages[0]: needs users (virtual users at once) or rate (arrivals a second)"] },
        { "[{ for: 1s, users: 1, rate: 1 }]", "[{ get: / }]", ["4:14: load.t.stages[0]: has both users and rate; keep one"] },
        { "[{ for: 1s, users: 1 }, { for: 1s, rate: 1 }]", "[{ get: / }]", ["4:54: load.t.stages[1].rate: the stages before it have users; all stages of a test have the same"] },
        { "[{ for: 0s, users: 1 }]", "[{ get: / }]", ["4:5: load.t.stages: last 0s together; give one of them a time"] },
        { "[{ for: 5s, users: 0 }, { for: 5s, users: 0 }]", "[{ get: / }]", ["4:5: load.t.stages: send nothing: every stage has users 0"] },
        { "[{ for: 5s, rate: 0 }]", "[{ get: / }]", ["4:5: load.t.stages: send nothing: every stage has rate 0"] },
        { "[{ for: 5s, users: 1.5 }]", "[{ get: / }]", ["4:32: load.t.stages[0].users: expected a whole number, found '1.5'"] },
        { "[{ for: 0s, users: 5 }, { for: 5s, users: 0 }]", "[{ get: / }]", [] },
        { "[{ for: 5s, rate: 0.5 }]", "[{ get: / }]", [] },
        { "[{ for: 5s, rate: 1 }]", "[]", ["5:5: load.t.scenario: sends nothing; a request is { get: /path }"] },
        { "[{ for: 5s, rate: 1 }]", "[{ think: 1s }]", ["5:5: load.t.scenario: sends nothing; a request is { get: /path }"] },
        { "[{ for: 5s, rate: 1 }]", "[{ get: \"http://a/b\" }]", ["5:23: load.t.scenario[0].get: expected a path that begins with /, found 'http://a/b'"] },
        { "[{ for: 5s, rate: 1 }]", "[{ get: \"/a b\" }, { get: \"/{{ a }}\" }]", [
            "5:23: load.t.scenario[0].get: '/a b' holds a space, a line end or #; write %20 or %23",
            "5:40: load.t.scenario[1].get: {{a}} is not captured before this step; known are: uuid, user, iteration, random, pick"] },
        { "[{ for: 5s, rate: 1 }]", "[{ get: /, expect: 99 }]", ["5:34: load.t.scenario[0].expect: found 99; allowed: 100 to 599"] },
        { "[{ for: 5s, rate: 1 }]", "[{ get: /, capture: { id: data..id, 1x: a } }]", [
            "5:41: load.t.scenario[0].capture.id: expected a path in the answer such as data.0.id, found 'data..id'",
            "5:51: load.t.scenario[0].capture.1x: '1x' is no name of a variable; allowed: letters, digits, _ and -, not a digit first"] },
        { "[{ for: 5s, rate: 1 }]", "[{ get: /, capture: { id: a } }, { post: \"/{{ix}}\", headers: { X: \"{{id}}\", Y: \"{{no}}\" }, json: { a: [\"{{id}}\", \"{{never}}\"] } }]", [
            "5:56: load.t.scenario[1].post: {{ix}} is not captured before this step; did you mean 'id'? Known are: id, uuid, user, iteration, random, pick",
            "5:94: load.t.scenario[1].headers.Y: {{no}} is not captured before this step; known are: id, uuid, user, iteration, random, pick",
            "5:106: load.t.scenario[1].json: {{never}} is not captured before this step; known are: id, uuid, user, iteration, random, pick"] },
        { "[{ for: 5s, rate: 1 }]", "[{ post: \"/{{uuid}}/{{ random 1 100 }}\", json: { a: \"{{user}}-{{iteration}}\" } }]", [] },
        { "[{ for: 5s, rate: 1 }]", "[{ get: \"/{{random 5}}\", capture: { user: a } }, { get: \"/{{random 5 1}}/{{useer}}/{{\" }]", [
            "5:23: load.t.scenario[0].get: expected {{random FROM TO}} with whole numbers, such as {{random 1 100}}, found 'random 5'",
            "5:51: load.t.scenario[0].capture.user: {{user}} is a generator already; take another name",
            "5:71: load.t.scenario[1].get: expected {{random FROM TO}} with whole numbers, such as {{random 1 100}}, found 'random 5 1'",
            "5:71: load.t.scenario[1].get: {{useer}} is not captured before this step; did you mean 'user'? Known are: uuid, user, iteration, random, pick",
            "5:71: load.t.scenario[1].get: '{{' without '}}'"] },
        { "[{ for: 5s, rate: 1 }]", "[{ parallel: [{ get: /a, capture: { id: a } }, { get: \"/{{id}}\" }] }, { get: \"/{{id}}\" }]", ["5:69: load.t.scenario[0].parallel[1].get: {{id}} is not captured before this step; known are: uuid, user, iteration, random, pick"] },
        { "[{ for: 5s, rate: 1 }]", "[{ parallel: [{ get: /a, capture: { id: a } }, { get: /b, capture: { id: b } }] }]", ["5:84: load.t.scenario[0].parallel[1].capture.id: 'id' is captured by another request of this step already; which of them is answered last is not known"] },
        { "[{ for: 5s, rate: 1 }]", "[{ get: / }, { share: 5%, steps: [{ get: /, capture: { id: a } }, { get: \"/{{id}}\" }] }, { get: \"/{{id}}\" }]", ["5:111: load.t.scenario[2].get: {{id}} is not captured before this step; known are: uuid, user, iteration, random, pick"] },
        { "[{ for: 5s, rate: 1 }]", "[{ share: 101%, steps: [{ get: / }] }]", ["5:25: load.t.scenario[0].share: found 101%; allowed: 0% to 100%"] },
        { "[{ for: 5s, rate: 1 }]", "[{ share: 5%, steps: [{ think: 1s }] }]", ["5:5: load.t.scenario: sends nothing; a request is { get: /path }"] },
        { "[{ for: 5s, rate: 1 }]", "[{ get: \"/{{pick a|}}\" }]", ["5:23: load.t.scenario[0].get: expected {{pick ONE|ANOTHER}}, such as {{pick lamp|garden chair}}, found 'pick a|'"] },
        { "[{ for: 5s, rate: 1 }]", "[{ parallel: [] }]", ["5:18: load.t.scenario[0].parallel: has 0 requests; allowed: 1 to 32"] },
        { "[{ for: 5s, rate: 1 }]", "[{ parallel: [{ think: 1s }, { parallel: [{ get: /x }] }, 7] }]", [
            "5:29: load.t.scenario[0].parallel[0]: has no kind; exactly one is allowed: get, post, put, patch, delete",
            "5:44: load.t.scenario[0].parallel[1]: has no kind; exactly one is allowed: get, post, put, patch, delete",
            "5:73: load.t.scenario[0].parallel[2]: expected a step such as { get: /path }, found '7'"] },
        { "[{ for: 5s, rate: 1 }]", "[{ get: \"/{{id}}\", capture: { id: a } }]", ["5:23: load.t.scenario[0].get: {{id}} is not captured before this step; known are: uuid, user, iteration, random, pick"] },
    };

    [Theory]
    [MemberData(nameof(Load))]
    public void Of_load_tests(string stages, string scenario, string[] expected) => Expect(
        Guides.Start + $"load: {{ t: {{\n    stages: {stages},\n    scenario: {scenario} }} }}", expected);

    [Theory]
    [MemberData(nameof(LoadTests))]
    public void Of_milestones_and_data(string yaml, string[] expected) => Expect(Guides.Start + yaml, expected);

    [Fact]
    public void A_milestone_says_what_the_thresholds_do_not()
    {
        var guide = Guides.Read(Guides.Start + "milestones: [{ users: 1k, requests-per-second: 50, p95: 300ms, availability: 99.9% }]\n" + Test + ", milestone: 1k, thresholds: { p95: 1s, p99: 2s } } }");
        Assert.Equal(
            new Thresholds { P95 = TimeSpan.FromSeconds(1), P99 = TimeSpan.FromSeconds(2), Errors = new Percentage(0.001), RequestsPerSecond = 50 },
            guide.Load["t"].LimitsIn(guide));
    }

    [Fact]
    public void Thresholds_rise() => Expect(
        Guides.Start + "load: { Spike: { stages: [{ for: 1s, users: 1 }], scenario: [{ get: / }],\n thresholds: { p50: 4s, p95: 3s, p99: 2s, max: 1s, average: 5s, errors: 200% } } }",
        [
            $"3:9: load.Spike: 'Spike' is not a name; allowed: {Names}",
            "4:21: load.Spike.thresholds.p50: 4s is more than p95 3s",
            "4:30: load.Spike.thresholds.p95: 3s is more than p99 2s",
            "4:39: load.Spike.thresholds.p99: 2s is more than max 1s",
            "4:61: load.Spike.thresholds.average: 5s is more than max 1s",
            "4:73: load.Spike.thresholds.errors: found 200%; allowed: 0% to 100%",
        ]);

    [Theory]
    [InlineData("Shop", false)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    [InlineData("../a", false)]
    [InlineData("a-very-long-name-of-more-than-forty-letter", false)]
    [InlineData("shop-2", true)]
    [InlineData("7", true)]
    [InlineData("a-name-that-has-exactly-forty-characters", true)]
    public void Of_the_systems_name(string name, bool allowed) => Expect(
        $"system: \"{name}\"\nservices: {{ api: {{ command: [a] }} }}",
        allowed ? [] : [$"1:9: system: '{name}' is not a name; allowed: {Names}"]);

    private static void Expect(string yaml, string[] expected) => Assert.Equal(expected.Select(e => $"g:{e}"), Guides.Errors(yaml));
}
