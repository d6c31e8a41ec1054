namespace Tenfold.Guide.Tests;

public sealed class GuideSummaryTests
{
    [Fact]
    public void A_guide_is_summed_up_section_by_section() => Assert.Equal(
        """
        system every-key
        services
          api     2 to 20 instances · 1500m cpu · 512Mi memory · project .
          worker  1 instance, up to 10 by hand · 500m cpu · 512Mi memory · node server.js 5
        scaling
          api   hpa of cpu 70%, p95 400ms, requests-per-second 1000, queue-depth of orders 100 every 10s · +2 when cpu is above 75% for 4m, cooldown 5m · -10% when cpu is below 30% for 10m, cooldown 5m · to 20 when queue-age of orders is above 5m · out: at most 100% in 30s and 4 in 30s · in: window 5m, cooldown 1m, at most 100% in 15s · min 2, max 4 from '0 2 * * *' to '0 6 * * *' Europe/Berlin · ahead of what comes back after 1d
          main  demand of cpu 70% every 5s · out: cooldown 1m, at most 1 in 1m · in: window 10m, at most 1 in 1m · min 2 from '0 8 * * *' to '0 18 * * *' UTC
        stores
          main   postgres · 256Mi memory · 1 to 50 connections an instance · 4 shards of 128 buckets · 500m cpu · 1 to 4 synchronous replicas each, 2 at first · schema schema · partitions of shop.events a month kept for 90d · 1 query with an index
          cache  redis · 256Mi memory
        gateway https://*:0
          GET|POST *.example.com/api/{id}/** if X-Beta=*, debug=1  to api (weight 9), worker (weight 1) · consistent-hash of cookie:session · timeout 30s
          /**                                                      to api · power-of-two-choices · timeout 1m
        rate limits
          per-client  100 in 15m by header:X-Tenant · 20 at once · then blocked for 15m · /api/**, POST /login · not for 10.0.0.0/8 · at the app
          per-user    1,000 in 1h by user · at the app
        cache
          products  fresh for 1h · stale for 1d more · refreshed from 80% on · tags products · browsers 1m · CDN 5m
        warm
          popular  1 request of api · every 1h
        queues
          orders  3 attempts · 2s apart, doubled up to 1m · 50 at a time in an instance · timeout 30s · 100 in 1s · 1 at a time of a key · 1,000 in 1h of a key · by api · in main
          mail    10 attempts · 5s apart · 10 at a time in an instance · timeout 1h · in main
        budgets
          GET /api/products  average 200ms, p95 400ms, p99 800ms, timeout 5s, errors 0.1%
        milestones
          1,000 users   p95 400ms
          10,000 users  requests/s 500, p95 500ms, availability 99.9%
        load tests
          closed  up to 1,000 users · for 2m · 8 steps · average 1s, p50 1s, p95 1s, p99 1s, max 1s, errors 1%, requests/s 100 · milestone 10,000 users
          open    up to 1,500 arrivals/s · for 2h · 1 step

        """,
        GuideSummary.Of(Guides.Read(Samples.EveryKey)));

    [Fact]
    public void Sections_that_hold_nothing_are_left_out() => Assert.Equal(
        """
        system shop
        services
          api  1 instance, up to 10 by hand · cpu unlimited · memory unlimited · node server.js
        """ + "\n",
        GuideSummary.Of(Guides.Read(Guides.Start)));

    [Theory]
    [InlineData("min: 3, max: 3, metrics: [{ metric: cpu, target: 70% }]", "api  always 3, as min is max · demand of cpu 70% every 1s · in: window 1m")]
    [InlineData("in: { select: disabled }, metrics: [{ metric: cpu, target: 70% }]", "api  demand of cpu 70% every 1s · never in")]
    [InlineData("schedule: [{ from: 0 18 * * *, to: 0 22 * * *, max: 12 }]", "api  every 1s · in: window 1m · max 12 from '0 18 * * *' to '0 22 * * *' UTC")]
    public void Scaling_rules_are_summed_up_in_one_line(string scale, string line) => Assert.Contains(
        $"\nscaling\n  {line}\n",
        GuideSummary.Of(Guides.Read($"system: shop\nservices: {{ api: {{ command: [a], instance: {{ cpu: 1 }}, scale: {{ {scale} }} }} }}")),
        StringComparison.Ordinal);
}
