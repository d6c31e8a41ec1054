using Tenfold.Jobs.Running;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Running;

/// <summary>When a queue is looked at again; the clock is the test's.</summary>
public sealed class QueueTurnsTests
{
    private const int Asked = 10;

    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Cost = TimeSpan.FromMilliseconds(1);

    private readonly ManualTime _time = new();

    [Fact]
    public async Task A_claim_that_got_all_it_asked_for_is_followed_by_another_one_and_a_short_one_by_the_poll()
    {
        await using var runner = Runner();
        var turns = new QueueTurns(runner, _time, Poll);
        Assert.Equal(TimeSpan.Zero, Due(turns));
        turns.Claimed(_time.GetTimestamp(), Asked, Asked, swept: true, Cost);
        Assert.Equal(TimeSpan.Zero, Due(turns));
        turns.Claimed(_time.GetTimestamp(), Asked, 3, swept: true, Cost);
        Assert.Equal(Poll, Due(turns));
    }

    [Fact]
    public async Task A_job_that_is_not_committed_yet_is_looked_for_after_longer_and_longer_pauses()
    {
        await using var runner = Runner();
        var turns = new QueueTurns(runner, _time, Poll);
        turns.Wake(committed: false);
        var pauses = new List<double>();
        for (var look = 0; look < 12; look++)
        {
            _time.Advance(Due(turns));
            turns.Claimed(_time.GetTimestamp(), Asked, 0, swept: true, Cost / 10);
            pauses.Add(Due(turns).TotalMilliseconds);
        }

        Assert.Equal([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000, 1000], pauses);
    }

    [Fact]
    public async Task A_job_that_is_committed_is_looked_for_once_and_at_once()
    {
        await using var runner = Runner();
        var turns = new QueueTurns(runner, _time, Poll);
        turns.Claimed(_time.GetTimestamp(), Asked, 0, swept: true, Cost);
        turns.Wake(committed: true);
        Assert.Equal(TimeSpan.Zero, Due(turns));
        turns.Claimed(_time.GetTimestamp(), Asked, 0, swept: true, Cost);
        Assert.Equal(Poll, Due(turns));
    }

    [Fact]
    public async Task Sweeps_take_at_most_a_twentieth_of_the_time_and_a_short_claim_waits_for_the_next_one_only()
    {
        await using var runner = Runner();
        var turns = new QueueTurns(runner, _time, Poll);
        Assert.True(turns.IsSweepDue(_time.GetTimestamp()));
        turns.Claimed(_time.GetTimestamp(), Asked, Asked, swept: true, Cost);
        turns.Watermark.Claimed(11, 5000);
        Assert.False(turns.IsSweepDue(_time.GetTimestamp()));

        turns.Claimed(_time.GetTimestamp(), Asked, 3, swept: false, Cost);

        Assert.Equal(20 * Cost, Due(turns));
        _time.Advance(20 * Cost);
        Assert.True(turns.IsSweepDue(_time.GetTimestamp()));
    }

    [Fact]
    public async Task Once_a_minute_everything_is_looked_at_anew()
    {
        await using var runner = Runner();
        var turns = new QueueTurns(runner, _time, Poll);
        turns.Watermark.Claimed(11, 5000);
        _time.Advance(TimeSpan.FromSeconds(59));
        turns.ResetIfDue(_time.GetTimestamp());
        Assert.Equal(5000, turns.Watermark.Front[11]);
        _time.Advance(TimeSpan.FromSeconds(1));
        turns.ResetIfDue(_time.GetTimestamp());
        Assert.Equal(0, turns.Watermark.Front[11]);
    }

    private TimeSpan Due(QueueTurns turns) => turns.DueIn(_time.GetTimestamp());

    private QueueRunner Runner() => new("q", new JobQueueOptions(), Asked, "test", new Quarantine(), null!, null!, _time, new Random(1));
}
