using Tenfold.Guide;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Tests.Instances;

public sealed class RestartPolicyTests
{
    private static readonly RestartPolicy Policy = new();

    [Theory]
    [InlineData(0, 0, 0.99, 0, 1, false)] // the first death costs no wait
    [InlineData(1, 0, 1.0, 500, 2, false)]
    [InlineData(1, 0, 0.0, 0, 2, false)] // full jitter: anything from nothing ...
    [InlineData(2, 0, 1.0, 1000, 3, false)] // ... to a limit that doubles
    [InlineData(3, 0, 0.5, 1000, 4, false)]
    [InlineData(4, 0, 1.0, 4000, 5, true)] // five in a row are a loop
    [InlineData(7, 59_999, 1.0, 30_000, 8, true)] // not quite well
    [InlineData(7, 60_000, 1.0, 0, 1, false)] // ran well: all is forgiven
    [InlineData(1_000_000, 0, 1.0, 30_000, 1_000_001, true)] // capped, never given up
    public void Deaths_in_a_row_decide(int before, int readyForMs, double random, int waitMs, int deaths, bool loop) =>
        Assert.Equal(
            new RestartDecision(TimeSpan.FromMilliseconds(waitMs), deaths, loop),
            Policy.Decide(before, TimeSpan.FromMilliseconds(readyForMs), random));

    [Theory]
    [InlineData(8, null, 9, true)]
    [InlineData(7, null, 8, false)]
    [InlineData(8, 503, 0, false)] // any answer shows that it is alive
    [InlineData(8, 200, 0, false)]
    public void Only_silence_is_a_hang(int before, int? status, int unanswered, bool hung)
    {
        var count = Liveness.Count(before, new ProbeResult(status, status is null ? "no answer" : null));
        Assert.Equal(unanswered, count);
        Assert.Equal(hung, Liveness.IsHung(count, new Health { Failures = 3 }));
    }
}
