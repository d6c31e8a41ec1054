namespace Tenfold.Guide.Tests;

public sealed class GuideSummaryTests
{
    [Fact]
    public void A_guide_is_summed_up_section_by_section() => Assert.Equal(
        """
        system every-key
        services
          api     2 to 20 instances · 1500m cpu · 512Mi memory · project .
          worker  1 to 10 instances · 500m cpu · 512Mi memory · node server.js 5
        stores
          main   postgres · 256Mi memory · 1 to 50 connections an instance · 4 shards of 128 buckets · 2 synchronous replicas each · schema schema · partitions of shop.events a month kept for 90d · 1 query with an index
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
        load tests
          closed  up to 1,000 users · for 2m · 7 steps · average 1s, p50 1s, p95 1s, p99 1s, max 1s, errors 1%
          open    up to 1,500 arrivals/s · for 2h · 1 step

        """,
        GuideSummary.Of(Guides.Read(Samples.EveryKey)));

    [Fact]
    public void Sections_that_hold_nothing_are_left_out() => Assert.Equal(
        """
        system shop
        services
          api  1 to 10 instances · cpu unlimited · memory unlimited · node server.js
        """ + "\n",
        GuideSummary.Of(Guides.Read(Guides.Start)));
}
