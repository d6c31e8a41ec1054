using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Tests.Reading;

public sealed class GuideReaderTests
{
    private const string Rez = """
        system: rez
        x-health: &health { path: /healthz, interval: 2s }
        services:
          api:
            project: .
            seed: [--seed]
            instance: { cpu: 500m, memory: 512Mi }
            health:
              <<: *health
              failures: 4
            drain: 30s
            socket: true
            environment: { GREETING: "${GREETING:-hello}", LITERAL: "$${X}" }
            scale: { min: 2, max: 20 }
          worker:
            command: [node, worker.js]
            scale: { min: 12 }
        stores:
          main: { engine: postgres, schema: schema, pool: { min: 10, max: 50 } }
          cache: { engine: redis }
        gateway:
          port: 8080
          limits: { connections: 50k }
          routes:
            - { path: /api/**, service: api, balance: least-connections, timeout: 30s }
            - { path: /beta/**, services: { api: 9, worker: 1 }, balance: consistent-hash }
        budgets:
          - { route: GET /api/products, average: 200ms, p95: 400ms, p99: 800ms, timeout: 5s, errors: 0.1% }
        load:
          api-test:
            stages: [{ for: 2m, users: 100 }, { for: 1m30s, users: 500 }]
            scenario:
              - { get: /api/products?page=1&limit=20, expect: 200, capture: { id: data.0.id } }
              - { think: 1s }
              - { post: "/api/products/{{id}}", headers: { X-A: b }, json: { a: 1, b: [true, null, "1", 1.5, 007] } }
            thresholds: { p95: 500ms, p99: 1s, errors: 1% }
        """;

    [Fact]
    public void A_whole_guide_is_read_with_its_defaults()
    {
        var result = GuideReader.Parse(Rez, "/srv/rez/tenfold.yaml", _ => null);

        Assert.Empty(result.Errors);
        var guide = result.Guide!;
        Assert.Equal(("rez", "/srv/rez"), (guide.System, guide.Folder));
        Assert.Equal(["api", "worker"], guide.Services.Keys);
        var api = guide.Services["api"];
        Assert.Equal(new Cpu(500), api.Instance.Cpu);
        Assert.Equal(ByteSize.FromMebibytes(512), api.Instance.Memory);
        Assert.Equal(new Health { Path = "/healthz", Interval = TimeSpan.FromSeconds(2), Failures = 4 }, api.Health);
        Assert.Equal((2, 20, false), (api.Scale.Min, api.Scale.Max, api.Scale.IsAutomatic));
        Assert.True(api.Socket);
        Assert.Equal(new Dictionary<string, string> { ["GREETING"] = "hello", ["LITERAL"] = "${X}" }, api.Environment);
        Assert.Equal((12, 12), (guide.Services["worker"].Scale.Min, guide.Services["worker"].Scale.Max));
        Assert.Equal(["node", "worker.js"], guide.Services["worker"].Command!);
        Assert.Equal(new Pool { Min = 10, Max = 50 }, guide.Stores["main"].Pool);
        Assert.Equal(ByteSize.FromMebibytes(128), guide.Stores["main"].Memory);
        Assert.Equal(new Store { Engine = StoreEngine.Redis, Memory = ByteSize.FromMebibytes(256) }, guide.Stores["cache"]);
        Assert.Equal(50_000, guide.Gateway.Limits.Connections);
        var route = guide.Gateway.Routes[0];
        Assert.Equal((PathPattern.Parse("/api/**"), "api", Balance.LeastConnections), (route.Path, route.Service, route.Balance));
        Assert.Equal((TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30)), (route.Timeout, route.FirstByteTimeout!.Value));
        Assert.Equal("address", guide.Gateway.Routes[1].Hash);
        Assert.Equal(9, guide.Gateway.Routes[1].Services!["api"]);
        Assert.Equal("GET /api/products", guide.Budgets[0].Route.ToString());
        Assert.Equal(0.001, guide.Budgets[0].Errors!.Value.Fraction);
        var test = guide.Load["api-test"];
        Assert.Equal(TimeSpan.FromSeconds(90), test.Stages[1].For);
        Assert.Equal(TimeSpan.FromSeconds(1), Assert.IsType<ThinkStep>(test.Scenario[1]).Think);
        var post = Assert.IsType<RequestStep>(test.Scenario[2]);
        Assert.Equal(("POST", "/api/products/{{id}}"), (post.Method, post.Path));
        Assert.Equal("""{"a":1,"b":[true,null,"1",1.5,"007"]}""", post.Json!.ToJsonString());
        Assert.Equal("data.0.id", Assert.IsType<RequestStep>(test.Scenario[0]).Capture["id"]);
    }
}
