using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tenfold.RateLimiting.Framework;
using Tenfold.RateLimiting.Tests.Support;

namespace Tenfold.RateLimiting.Tests.Framework;

public sealed class FrameworkTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private readonly Quota _two = new("two", 2, TimeSpan.FromHours(1));

    [Fact]
    public async Task A_lease_says_whether_it_passed_and_when_to_come_back()
    {
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_two]);
        await using var ann = new CallerRateLimiter(limiter, _two, Caller.Of("ann"));

        using var both = await ann.AcquireAsync(2);
        using var third = await ann.AcquireAsync();

        Assert.Equal((true, false), (both.IsAcquired, third.IsAcquired));
        Assert.False(both.TryGetMetadata(MetadataName.RetryAfter, out _));
        Assert.True(third.TryGetMetadata(MetadataName.RetryAfter, out var wait));
        Assert.InRange(wait, TimeSpan.FromMinutes(29), TimeSpan.FromMinutes(30));
        Assert.True(third.TryGetMetadata(DecisionLease.Decision, out var decision));
        Assert.Equal(0, decision!.Quotas[0].Remaining);
        var statistics = ann.GetStatistics()!;
        Assert.Equal((0, 1, 1), (statistics.CurrentAvailablePermits, statistics.TotalSuccessfulLeases, statistics.TotalFailedLeases));
    }

    [Fact]
    public async Task Who_may_not_wait_does_not_pass()
    {
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_two]);
        await using var ann = new CallerRateLimiter(limiter, _two, Caller.Of("ann"));

        Assert.False(ann.AttemptAcquire().IsAcquired);
        Assert.True(ann.AttemptAcquire(0).IsAcquired);
        Assert.Equal(2, await limiter.UseUpAsync(_two));
        Assert.False(ann.AttemptAcquire(0).IsAcquired);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ann.AcquireAsync(3).AsTask());
    }

    [Fact]
    public async Task The_middleware_of_asp_net_core_can_use_it()
    {
        await using var limiter = await Limiters.OnAsync(fixture.Server, [_two]);
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        builder.Services.AddRateLimiter(options =>
        {
            options.RejectionStatusCode = 429;
            options.GlobalLimiter = new DistributedPartitionedRateLimiter<HttpContext>(limiter, _two, context => Caller.Of(context.Request.Headers["X-Who"].ToString()));
        });
        await using var app = builder.Build();
        app.UseRateLimiter();
        app.MapGet("/", () => "hello");
        await app.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };

        var statuses = new List<HttpStatusCode>();
        foreach (var who in (string[])["ann", "ann", "ann", "bob"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { { "X-Who", who } } };
            using var response = await client.SendAsync(request);
            statuses.Add(response.StatusCode);
        }

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.TooManyRequests, HttpStatusCode.OK], statuses);
    }
}
