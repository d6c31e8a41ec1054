namespace Tenfold.Guide.Tests;

internal static class Samples
{
    /// <summary>Valid, with every key of every record at least once; a test asserts that it is so.</summary>
    public const string EveryKey = """
        system: every-key
        x-health: &health
          path: /health
          interval: 5s
          timeout: 1s
          failures: 3
          successes: 2
          start: 60s
          passive: { failures: 5, within: 10s, out: 0.01s }
          slow-start: 0
        services:
          api:
            project: .
            environment: { GREETING: hello, COUNT: 1, FLAG: true, EMPTY: "" }
            seed: [--seed, 1]
            instance: { cpu: 1.5, memory: 512Mi }
            health: *health
            drain: 1m30s
            socket: "true"
            scale:
              min: 2
              max: 20
              algorithm: hpa
              every: 10s
              tolerance: 5%
              metrics: [{ metric: cpu, target: 70% }, { metric: p95, target: 400ms }, { metric: requests-per-second, target: 1k }, { metric: queue-depth, queue: orders, target: 100 }]
              steps:
                - { metric: cpu, above: 75%, for: 4m, change: 2, cooldown: 5m }
                - { metric: cpu, below: 30%, for: 10m, percent: -10, cooldown: 5m }
                - { metric: queue-age, queue: orders, above: 5m, to: 20 }
              out: { policies: [{ percent: 100, every: 30s }, { instances: 4, every: 30s }], select: min }
              in: { window: 5m, cooldown: 1m }
              schedule: [{ from: "0 2 * * *", to: "0 6 * * *", min: 2, max: 4, time-zone: Europe/Berlin }]
              predict: { season: 1d, error: 20% }
          worker:
            command: [node, server.js, "${EXTRA:-5}"]
            instance: { cpu: 500m, memory: 536870912 }
            health: { <<: *health, path: /ready }
        stores:
          main: { engine: postgres, schema: schema, memory: 256Mi, cpu: 500m, scale: { min: 1, max: 4, metrics: [{ metric: cpu, target: 70% }], out: { cooldown: 1m }, in: { window: 10m }, schedule: [{ from: 0 8 * * *, to: 0 18 * * *, min: 2 }] }, pool: { min: 1, max: "50", idle: 1m, lifetime: 1h, wait: 2s }, replicas: 2, synchronous: true, shards: 4, buckets: 128, replica-lag: 100ms, slow-query: 100ms, slow-query-analyze: true, partitions: [{ table: shop.events, by: at, every: month, ahead: 12, keep: 90d, archive: archive }], queries: [{ table: products, where: [merchant_id, "price > ?"], order: [created_at desc] }] }
          cache: { engine: redis }
        gateway:
          port: 0
          address: "*"
          tls: { certificate: cert.pem, key: key.pem }
          trust-forwarded: [10.0.0.0/8]
          limits: { headers: 16Ki, body: 1G, header-timeout: 5s, keep-alive: 1m, body-rate: 0, connections: 10k, instance-connections: 200 }
          retries: { attempts: 1, budget: 12.5%, min-per-second: 5 }
          routes:
            - path: "/api/{id}/**"
              host: "*.example.com"
              methods: [GET, POST]
              headers: { X-Beta: "*" }
              query: { debug: 1 }
              services: { api: 9, worker: 1 }
              balance: consistent-hash
              hash: cookie:session
              timeout: 30s
              connect-timeout: 500ms
              first-byte-timeout: 20s
            - { path: /**, service: api }
        rate-limits:
          per-client: { limit: 100, per: 15m, by: header:X-Tenant, burst: 20, block: 15m, routes: [/api/**, POST /login], except: [10.0.0.0/8], at: app, store: cache, insurance: 50% }
          per-user: { limit: 1k, per: 1h, by: user }
        cache:
          products:
            ttl: 1h
            l1-ttl: 10m
            jitter: 10%
            tags: [products]
            stale: 1d
            throttle: 2s
            eager: 80%
            negative: 1m
            soft-timeout: 100ms
            hard-timeout: 10s
            version: 2
            http: { max-age: 1m, private: false, stale-while-revalidate: 30s, stale-if-error: 1h, cdn: 5m, surrogate: 1h, vary: [Accept-Language] }
        warm:
          popular: { requests: ["/api/products?page=1"], service: api, on-start: false, every: 1h, concurrency: 2, timeout: 5s }
        queues:
          orders:
            attempts: 3
            deaths: 20
            backoff: { exponential: 2s, most: 1m, jitter: 10% }
            concurrency: 50
            timeout: 30s
            keep: { completed: 100, failed: 1k, for: 7d }
            rate: { limit: 100, per: 1s }
            per-key: { concurrency: 1, rate: { limit: 1k, per: 1h } }
            service: api
            store: main
          mail: { backoff: { fixed: 5s } }
        budgets:
          - { route: GET /api/products, average: 200ms, p95: 400ms, p99: 800ms, timeout: 5s, errors: 0.1% }
        milestones: [{ users: 1k, p95: 400ms }, { users: 10k, requests-per-second: 0.5k, p95: 500ms, availability: 99.9% }]
        load:
          closed:
            stages: [{ for: 2m, users: 1k }, { for: 0, users: 0 }]
            scenario:
              - { get: /a, headers: { Accept: application/json }, expect: 200, capture: { id: data.0.id } }
              - { post: "/a/{{id}}", json: { a: [1, null, { b: "{{uuid}}" }] } }
              - { put: /a, json: text }
              - { patch: /a, json: [1] }
              - { delete: /a }
              - { think: 500ms }
              - { parallel: [{ get: /a }, { get: /b }] }
              - { share: 2.5%, steps: [{ get: "/{{pick a|b}}/{{rows.token}}" }, { share: 50%, steps: [{ think: 1s }] }] }
            data: { rows: { file: rows.csv }, made: { service: api, args: [tokens, "5"] } }
            milestone: 10k
            thresholds: { average: 1s, p50: 1s, p95: 1s, p99: 1s, max: 1s, errors: 1%, requests-per-second: 100 }
          open:
            stages: [{ for: 1h, rate: 0.5 }, { for: 1h, rate: 1.5k }]
            scenario: [{ get: / }]
        """;
}
