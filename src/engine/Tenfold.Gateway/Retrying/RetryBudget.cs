namespace Tenfold.Gateway.Retrying;

/// <summary>
/// Bounds retries to a share of the requests of the last 10 s, with a floor, so that retries cannot multiply the load of
/// a system that is already failing (the retry budget of Finagle and Envoy).
/// </summary>
/// <remarks>Thread-safe, no lock: one slot a second, reused every 10 s. A request counted while its slot turns may be lost.</remarks>
/// <param name="share">Retries as a share of requests.</param>
/// <param name="minPerSecond">Retries a second that are always allowed.</param>
public sealed class RetryBudget(double share, int minPerSecond)
{
    /// <summary>Seconds that are looked back on.</summary>
    public const int Window = 10;

    private readonly long[] _seconds = new long[Window];
    private readonly int[] _requests = new int[Window];
    private readonly int[] _retries = new int[Window];

    /// <summary>Counts a request.</summary>
    /// <param name="second">The time in whole seconds since any start.</param>
    public void AddRequest(long second) => Interlocked.Increment(ref _requests[Slot(second)]);

    /// <summary>Takes one retry when the budget holds it.</summary>
    /// <param name="second">The time in whole seconds since any start.</param>
    public bool TryTake(long second)
    {
        var slot = Slot(second);
        Interlocked.Increment(ref _retries[slot]); // first, so that two at once cannot both take the last one
        var (requests, retries) = (0L, 0L);
        for (var i = 0; i < Window; i++)
        {
            if (Volatile.Read(ref _seconds[i]) > second - Window)
            {
                requests += Volatile.Read(ref _requests[i]);
                retries += Volatile.Read(ref _retries[i]);
            }
        }

        if (retries <= Math.Max(share * requests, (double)minPerSecond * Window))
        {
            return true;
        }

        Interlocked.Decrement(ref _retries[slot]);
        return false;
    }

    private int Slot(long second)
    {
        var slot = (int)(second % Window);
        var seen = Volatile.Read(ref _seconds[slot]);
        if (seen != second && Interlocked.CompareExchange(ref _seconds[slot], second, seen) == seen)
        {
            Volatile.Write(ref _requests[slot], 0);
            Volatile.Write(ref _retries[slot], 0);
        }

        return slot;
    }
}
