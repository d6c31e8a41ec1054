using System.Diagnostics;

namespace Tenfold.Caching.Tests.Support;

internal static class Wait
{
    /// <summary>Generous: it only matters when the test fails.</summary>
    public static readonly TimeSpan Most = TimeSpan.FromSeconds(60);

    public static async Task ForAsync(string what, Func<Task<bool>> holds)
    {
        var since = Stopwatch.StartNew();
        while (!await holds())
        {
            Assert.True(since.Elapsed < Most, $"waited {Most.TotalSeconds} s in vain: {what}");
            await Task.Delay(5);
        }
    }

    public static Task ForAsync(string what, Func<bool> holds) => ForAsync(what, () => Task.FromResult(holds()));
}
