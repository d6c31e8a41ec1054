using System.Diagnostics;

namespace Tenfold.EndToEnd.Tests.Support;

/// <summary>Polls for something that has no signal to wait on, such as another process's state.</summary>
internal static class Wait
{
    public static async Task<T> ForAsync<T>(string what, Func<Task<T?>> probe, TimeSpan? limit = null)
        where T : class
    {
        var allowed = limit ?? TimeSpan.FromSeconds(60);
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (await probe() is { } found)
            {
                return found;
            }

            if (clock.Elapsed > allowed)
            {
                throw new TimeoutException($"Waited {allowed.TotalSeconds:0} s for {what}.");
            }

            await Task.Delay(50);
        }
    }

    public static Task ForAsync(string what, Func<Task<bool>> probe, TimeSpan? limit = null) =>
        ForAsync<object>(what, async () => await probe() ? new object() : null, limit);
}
