namespace Tenfold.Guide;

/// <summary>How many connections the instances of a system may open to one server of a PostgreSQL store. Pure.</summary>
public static class ConnectionNeed
{
    /// <summary>Fewest connections that a pool works with: one for readers of the primary, one for writers.</summary>
    public const int LeastPool = 2;

    /// <summary>All instances that may run at once: of every service the most, and one more while one is being replaced.</summary>
    public static long Instances(SystemGuide guide)
    {
        ArgumentNullException.ThrowIfNull(guide);
        return guide.Services.Values.Sum(service => (long)service.Scale.Peak + 1);
    }

    /// <summary>
    /// What an instance may open to a server beside its pool: one for readiness; one for the watch where there are replicas, or may be; one
    /// for what keeps partitions where there are any.
    /// </summary>
    public static int Beside(Store store)
    {
        ArgumentNullException.ThrowIfNull(store);
        return 1 + (store.MostReplicas > 0 ? 1 : 0) + (store.Partitions.Count > 0 ? 1 : 0);
    }

    /// <summary>What an instance may open to one server with a pool of this size.</summary>
    public static int OfInstance(Store store, int pool) => Math.Max(LeastPool, pool) + Beside(store);
}
