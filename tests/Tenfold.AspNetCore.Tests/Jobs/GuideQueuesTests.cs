using Tenfold.AspNetCore.Jobs;
using Tenfold.Guide;
using Tenfold.Guide.Reading;
using Tenfold.Jobs;

namespace Tenfold.AspNetCore.Tests.Jobs;

public sealed class GuideQueuesTests
{
    [Fact]
    public void A_queue_that_says_nothing_has_the_kits_own_defaults()
    {
        Assert.Equal(new JobQueueOptions(), GuideQueues.Of(new QueuePolicy()));
        Assert.Equal(new JobQueueOptions(), Read("{}"));
    }

    [Fact]
    public void Everything_that_a_queue_says_is_taken_over() => Assert.Equal(
        new JobQueueOptions
        {
            Attempts = 3,
            Deaths = 20,
            Backoff = new Backoff { First = TimeSpan.FromSeconds(4), Factor = 2, Most = TimeSpan.FromMinutes(1), Jitter = 0.1 },
            Concurrency = 50,
            Timeout = TimeSpan.FromSeconds(30),
            Keep = new JobKeep(100, 200, TimeSpan.FromDays(7)),
            Rate = new JobRate(100, TimeSpan.FromSeconds(1)),
            KeyConcurrency = 2,
            KeyRate = new JobRate(5, TimeSpan.FromHours(1)),
        },
        Read("{ attempts: 3, deaths: 20, backoff: { exponential: 4s, most: 1m, jitter: 10% }, concurrency: 50, timeout: 30s, keep: { completed: 100, failed: 200, for: 7d }, rate: { limit: 100, per: 1s }, per-key: { concurrency: 2, rate: { limit: 5, per: 1h } } }"));

    [Fact]
    public void A_fixed_pause_stays_the_same_however_long_it_is()
    {
        var backoff = Read("{ backoff: { fixed: 3h, jitter: 0% } }").Backoff;

        Assert.All(new[] { 1, 2, 50 }, failures => Assert.Equal(TimeSpan.FromHours(3), backoff.After(failures, 0.9)));
    }

    private static JobQueueOptions Read(string queue)
    {
        var result = GuideReader.Parse($"system: shop\nservices: {{ api: {{ project: . }} }}\nstores: {{ main: {{ engine: postgres }} }}\nqueues: {{ orders: {queue} }}", "g", _ => null);
        Assert.Empty(result.Errors);
        return GuideQueues.Of(result.Guide!)["orders"];
    }
}
