using Tenfold.Runtime.Scaling;
using Tenfold.Wire.Latency;

namespace Tenfold.Runtime.Tests.Scaling;

public sealed class LatencyWindowTests
{
    private readonly SetTime _time = new();
    private readonly ConcurrentLatencyHistogram _all = new();
    private readonly LatencyWindow _window;

    public LatencyWindowTests() => _window = new LatencyWindow(_time);

    [Fact]
    public void Few_answers_a_second_are_seen_together_so_that_one_slow_one_is_not_their_95th_percentile()
    {
        Assert.Null(Look());
        for (var second = 0; second < 20; second++)
        {
            Answer(9, milliseconds: 10);
            Look();
        }

        Answer(1, milliseconds: 5000);
        var seen = Look()!;
        Assert.InRange(seen.Count, LatencyWindow.Enough, LatencyWindow.Enough + 9);
        Assert.InRange(seen.Percentile(95).TotalMilliseconds, 10, 11);
    }

    [Fact]
    public void Under_load_it_is_those_since_the_last_look()
    {
        Look();
        Answer(1000, milliseconds: 900);
        Assert.Equal(1000, Look()!.Count);
        Answer(200, milliseconds: 10);
        var seen = Look()!;
        Assert.Equal(200, seen.Count);
        Assert.InRange(seen.Percentile(100).TotalMilliseconds, 10, 11);
    }

    [Fact]
    public void What_is_older_than_half_a_minute_is_forgotten()
    {
        Look();
        Answer(5, milliseconds: 10);
        for (var second = 0; second < 30; second++)
        {
            Assert.Equal(5, Look()!.Count);
        }

        Look();
        Assert.Null(Look());
        Answer(3, milliseconds: 10);
        Assert.Equal(3, Look()!.Count);
    }

    private LatencySnapshot? Look()
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        return _window.Add(_all.Snapshot());
    }

    private void Answer(int times, int milliseconds)
    {
        for (var i = 0; i < times; i++)
        {
            _all.Record(TimeSpan.FromMilliseconds(milliseconds));
        }
    }
}
