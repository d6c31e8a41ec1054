using Tenfold.Jobs.Ending;
using Tenfold.Jobs.Running;
using Tenfold.Jobs.Tests.Support;

namespace Tenfold.Jobs.Tests.Running;

/// <summary>What follows from how a handler ended.</summary>
public sealed class JobRunTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void One_that_returns_has_completed() => Assert.True(End(null) is { Outcome: JobOutcome.Completed, Keep: true, IsPlain: true, Error: null });

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 4)]
    [InlineData(3, 8)]
    public void One_that_throws_is_tried_again_after_the_pause_of_its_queue(int attempt, int seconds) =>
        Assert.True(End(new InvalidOperationException("no"), failures: attempt - 1) is { Outcome: null, Counts: true, Error: not null } ending && ending.After == seconds * Second);

    [Fact]
    public void One_that_asks_for_a_time_is_tried_again_after_it() =>
        Assert.True(End(new JobRetryException(42 * Second, "busy")) is { Outcome: null, Counts: true, Error: not null } ending && ending.After == 42 * Second);

    [Fact]
    public void One_that_asks_for_a_time_without_counting_has_not_failed_even_at_its_last_attempt() =>
        Assert.True(End(new JobRetryException(42 * Second, "busy") { Counts = false }, failures: 4) is { Outcome: null, Counts: false, Error: null } ending && ending.After == 42 * Second);

    [Fact]
    public void One_that_asks_for_no_time_goes_behind_the_others_and_not_before_them() => Assert.True(End(new JobRetryException(TimeSpan.Zero, "again")).After > TimeSpan.Zero);

    [Fact]
    public void One_that_says_that_it_will_never_succeed_is_a_dead_letter_at_once() => Assert.True(End(new JobFailedException("never")) is { Outcome: JobOutcome.Failed, Keep: true, Error: not null });

    [Theory]
    [InlineData(3, null)]
    [InlineData(4, JobOutcome.Failed)]
    public void The_last_attempt_that_fails_makes_a_dead_letter(int failures, JobOutcome? outcome)
    {
        Assert.Equal(outcome, End(new InvalidOperationException("no"), failures: failures).Outcome);
        Assert.Equal(outcome, End(new JobRetryException(Second, "busy"), failures: failures).Outcome);
    }

    [Theory]
    [InlineData(nameof(StopReason.Timeout), null, true)]
    [InlineData(nameof(StopReason.Deadline), JobOutcome.Failed, false)]
    [InlineData(nameof(StopReason.Cancelled), JobOutcome.Cancelled, false)]
    [InlineData(nameof(StopReason.Stopping), null, false)]
    [InlineData(nameof(StopReason.Lost), null, false)]
    public void One_that_heeds_its_token_ends_as_it_was_told_why(string reason, JobOutcome? outcome, bool counts)
    {
        var ending = End(new OperationCanceledException(), stop: Enum.Parse<StopReason>(reason));
        Assert.Equal((outcome, counts), (ending.Outcome, ending.Counts));
        Assert.Equal(reason is nameof(StopReason.Timeout) or nameof(StopReason.Deadline), ending.Error is not null);
    }

    [Fact]
    public void One_that_returns_although_it_was_told_to_stop_has_completed() => Assert.Equal(JobOutcome.Completed, End(null, stop: StopReason.Stopping).Outcome);

    private static JobEnding End(Exception? failure, int failures = 0, StopReason stop = StopReason.None)
    {
        var run = new Runs().Of(Runs.Claimed(1) with { Failures = (short)failures }, new JobQueueOptions { Attempts = 5 });
        if (stop != StopReason.None)
        {
            run.Stop(stop, 1);
        }

        return run.EndingOf(failure, "test", Second, random: 0.5);
    }
}
