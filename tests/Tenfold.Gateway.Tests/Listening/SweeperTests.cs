using System.Collections.Concurrent;
using Tenfold.Gateway.Listening;

namespace Tenfold.Gateway.Tests.Listening;

public sealed class SweeperTests
{
    [Fact]
    public async Task A_fault_while_it_looks_is_told_and_does_not_end_the_process()
    {
        var faults = new ConcurrentQueue<string>();
        var again = new TaskCompletionSource();
        var looks = 0;
        using var sweeper = new Sweeper(
            new GatewayClock(TimeProvider.System),
            _ =>
            {
                if (Interlocked.Increment(ref looks) == 1)
                {
                    throw new InvalidOperationException("a fault");
                }

                again.TrySetResult();
            },
            fault => faults.Enqueue(fault.Message));
        await again.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(["a fault"], faults);
    }
}
