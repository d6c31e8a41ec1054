using Tenfold.Guide;
using Tenfold.Runtime.Instances;

namespace Tenfold.Runtime.Tests.Instances;

public sealed class LivenessTests
{
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
