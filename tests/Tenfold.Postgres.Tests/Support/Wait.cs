using System.Diagnostics;

namespace Tenfold.Postgres.Tests.Support;

internal static class Wait
{
    public static async Task ForAsync(string what, Func<Task<bool>> holds)
    {
        var since = Stopwatch.StartNew();
        while (!await holds())
        {
            Assert.True(since.Elapsed < PostgresServer.Patience, $"waited {PostgresServer.Patience.TotalSeconds} s in vain: {what}");
            await Task.Delay(10);
        }
    }

    public static Task ForAsync(string what, Func<bool> holds) => ForAsync(what, () => Task.FromResult(holds()));
}
