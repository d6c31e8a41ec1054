using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Tests;

/// <summary>A state folder of one test; what still runs in it is ended with it.</summary>
public sealed class TemporaryState : IAsyncDisposable
{
    public TemporaryState(string system = "probe")
    {
        State = SystemState.At(Path.Combine(Path.GetTempPath(), $"tf-{Guid.NewGuid().ToString("N")[..10]}"), system);
        State.Create();
    }

    public SystemState State { get; }

    public async ValueTask DisposeAsync()
    {
        await Orphans.EndAsync(State, TimeSpan.FromSeconds(5), TimeProvider.System);
        State.Delete();
    }
}

internal static class Limits
{
    /// <summary>Longest wait of a test for a signal: it only matters when the test fails.</summary>
    public static readonly TimeSpan Wait = TimeSpan.FromSeconds(60);

    public static Task UntilAsync(Func<bool> condition, string what) => UntilAsync(condition, () => Task.CompletedTask, what);

    /// <summary>With something that is asked before each look.</summary>
    public static async Task UntilAsync(Func<bool> condition, Func<Task> ask, string what)
    {
        using var limit = new CancellationTokenSource(Wait);
        await ask();
        while (!condition())
        {
            if (limit.IsCancellationRequested)
            {
                Assert.Fail($"waited {Wait.TotalSeconds} s for: {what}");
            }

            await Task.Delay(10);
            await ask();
        }
    }
}
