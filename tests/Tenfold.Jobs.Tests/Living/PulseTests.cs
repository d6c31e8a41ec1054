using Tenfold.Jobs.Living;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Living;

public sealed class PulseTests
{
    private static readonly TimeSpan PresumedDead = TimeSpan.FromSeconds(5);

    private readonly ManualTime _time = new();
    private readonly Pulse _pulse;

    public PulseTests() => _pulse = new Pulse(_time, PresumedDead);

    [Fact]
    public void A_worker_judges_others_when_it_was_heard_for_longer_than_they_may_be_silent()
    {
        Assert.False(_pulse.MayJudge);
        _pulse.Beat(TimeSpan.Zero);
        Beat(times: 5);
        Assert.False(_pulse.MayJudge);
        Beat(times: 1);
        Assert.True(_pulse.MayJudge);
    }

    [Fact]
    public void After_a_gap_by_the_databases_clock_it_begins_anew()
    {
        Beat(times: 8);
        _pulse.Beat(TimeSpan.FromSeconds(3));
        Assert.True(_pulse.MayJudge);
        _pulse.Beat(TimeSpan.FromSeconds(4));
        Assert.False(_pulse.MayJudge);
        Beat(times: 6);
        Assert.True(_pulse.MayJudge);
    }

    [Fact]
    public void One_that_is_late_with_its_own_sign_of_life_does_not_judge_until_it_is_heard()
    {
        Beat(times: 8);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.True(_pulse.MayJudge);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(_pulse.MayJudge);
    }

    [Fact]
    public void After_a_beat_that_has_failed_it_begins_anew()
    {
        Beat(times: 8);
        _pulse.Miss();
        Assert.False(_pulse.MayJudge);
        Beat(times: 6);
        Assert.False(_pulse.MayJudge);
        Beat(times: 1);
        Assert.True(_pulse.MayJudge);
    }

    private void Beat(int times)
    {
        for (var beat = 0; beat < times; beat++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            _pulse.Beat(TimeSpan.FromSeconds(1));
        }
    }
}
