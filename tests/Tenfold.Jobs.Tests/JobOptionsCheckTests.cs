using Microsoft.Extensions.DependencyInjection;

namespace Tenfold.Jobs.Tests;

public sealed class JobOptionsCheckTests
{
    public static TheoryData<string, Func<JobQueueOptions, JobQueueOptions>> WrongQueues => new()
    {
        { "Concurrency is 0; allowed is 1 to 10,000", queue => queue with { Concurrency = 0 } },
        { "Concurrency is 10001; allowed is 1 to 10,000", queue => queue with { Concurrency = 10_001 } },
        { "Attempts is 0; allowed is 1 to 32,767", queue => queue with { Attempts = 0 } },
        { "Timeout is 00:00:00; allowed is more than 0", queue => queue with { Timeout = TimeSpan.Zero } },
        { "Deaths is 0; allowed is 1 to 32,767", queue => queue with { Deaths = 0 } },
        { "KeyConcurrency is 0; allowed is at least 1, or null for no limit", queue => queue with { KeyConcurrency = 0 } },
        { "Rate.Limit is 0; allowed is 1 to 2,147,483,647", queue => queue with { Rate = new JobRate(0, TimeSpan.FromSeconds(1)) } },
        { "KeyRate is 10,001 per 00:00:00.0010000; allowed is at most 10,000,000 a second", queue => queue with { KeyRate = new JobRate(10_001, TimeSpan.FromMilliseconds(1)) } },
        { "Backoff.First is -00:00:01; allowed is at least 0", queue => queue with { Backoff = new Backoff { First = TimeSpan.FromSeconds(-1) } } },
        { "Backoff.Factor is 0.5; allowed is at least 1", queue => queue with { Backoff = new Backoff { Factor = 0.5 } } },
        { "Backoff.Most is 00:00:01; allowed is 00:00:02 to 36500.00:00:00", queue => queue with { Backoff = new Backoff { Most = TimeSpan.FromSeconds(1) } } },
        { "Backoff.Jitter is 1.5; allowed is 0 to 1", queue => queue with { Backoff = new Backoff { Jitter = 1.5 } } },
        { "Keep.Failed is -1; allowed is at least 0", queue => queue with { Keep = new JobKeep(Failed: -1) } },
    };

    public static TheoryData<string, Action<JobOptions>> Wrong => new()
    {
        { "Drain is -00:00:01; allowed is 00:00:00 to 1.00:00:00", options => options.Drain = TimeSpan.FromSeconds(-1) },
        { "PresumedDead is 00:00:00; allowed is 00:00:00.2000000 to 01:00:00", options => options.PresumedDead = TimeSpan.Zero },
        { "Poll is 00:00:00; allowed is 00:00:00.0100000 to 01:00:00", options => options.Poll = TimeSpan.Zero },
        { "MostClaimed is 0; allowed is 1 to 100,000", options => options.MostClaimed = 0 },
        { "MostPayload is 0; allowed is 1 to 268,435,456", options => options.MostPayload = 0 },
    };

    [Theory]
    [MemberData(nameof(WrongQueues), DisableDiscoveryEnumeration = true)]
    public void A_queue_that_makes_no_sense_is_refused_by_its_name(string message, Func<JobQueueOptions, JobQueueOptions> change) =>
        Assert.Equal($"jobs cannot be run with these options: queue 'mail': {message}", Refused(options => options.Queues["mail"] = change(new JobQueueOptions())));

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void An_option_that_makes_no_sense_is_refused(string message, Action<JobOptions> change) => Assert.Equal($"jobs cannot be run with these options: {message}", Refused(change));

    [Fact]
    public void What_a_guide_allows_at_most_is_allowed()
    {
        var options = new JobOptions();
        options.Queues["least"] = new JobQueueOptions { Concurrency = 1, Attempts = 1, Timeout = TimeSpan.FromMilliseconds(100), Backoff = new Backoff { First = TimeSpan.Zero, Factor = 1, Most = TimeSpan.Zero, Jitter = 0 }, Keep = new JobKeep(0, 0) };
        options.Queues["most"] = new JobQueueOptions { Concurrency = 10_000, Attempts = 1000, Rate = new JobRate(1_000_000, TimeSpan.FromMilliseconds(100)), KeyConcurrency = 10_000, KeyRate = new JobRate(1, TimeSpan.FromDays(366)) };
        Assert.NotEmpty(new ServiceCollection().AddJobs(options, "test"));
    }

    private static string Refused(Action<JobOptions> change)
    {
        var options = new JobOptions();
        change(options);
        return Assert.Throws<JobOptionsException>(() => new ServiceCollection().AddJobs(options, "test")).Message;
    }
}
