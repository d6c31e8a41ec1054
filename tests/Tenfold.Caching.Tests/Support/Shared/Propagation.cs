using System.Diagnostics;

namespace Tenfold.Caching.Tests.Support;

/// <summary>How soon a change is seen by a reader elsewhere.</summary>
internal static class Propagation
{
    private const int Series = 10;

    /// <summary>
    /// Asserts that no read which begins later than the bound after a change misses it, and that the median of a series of
    /// changes is below the limit. A machine may be too busy for that for a while: one series of ten is enough, and no series has
    /// it when changes are only seen by leases that run out.
    /// </summary>
    /// <param name="bound">On propagation.</param>
    /// <param name="median">Limit of the median.</param>
    /// <param name="change">Makes a change, the reader having the old state; has ended when the change is acknowledged.</param>
    /// <param name="sees">Whether the reader sees the change.</param>
    public static async Task IsQuickAsync(TimeSpan bound, TimeSpan median, Func<Task> change, Func<Task<bool>> sees)
    {
        var medians = new List<double>();
        for (var series = 0; series < Series; series++)
        {
            var times = new List<double>();
            for (var i = 0; i < 11; i++)
            {
                await change();
                times.Add(await UntilSeenAsync(bound, sees));
            }

            medians.Add(times.Order().ElementAt(times.Count / 2));
            if (medians[^1] < median.TotalMilliseconds)
            {
                return;
            }
        }

        Assert.Fail($"medians: {string.Join(", ", medians.Select(one => $"{one:0.0}"))} ms; allowed: below {median.TotalMilliseconds} ms");
    }

    private static async Task<double> UntilSeenAsync(TimeSpan bound, Func<Task<bool>> sees)
    {
        var acknowledged = Stopwatch.GetTimestamp();
        while (true)
        {
            var after = Stopwatch.GetElapsedTime(acknowledged);
            if (await sees())
            {
                return Stopwatch.GetElapsedTime(acknowledged).TotalMilliseconds;
            }

            Assert.True(after <= bound, $"a read that began {after.TotalMilliseconds} ms after the change did not see it; the bound is {bound.TotalMilliseconds} ms");
            await Task.Delay(1);
        }
    }
}
