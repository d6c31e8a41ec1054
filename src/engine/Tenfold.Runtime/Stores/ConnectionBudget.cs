using Tenfold.Guide;

namespace Tenfold.Runtime.Stores;

/// <summary>How many connections a PostgreSQL of a system must take, and what each instance's pool may be so that it never gets more.</summary>
/// <param name="Wanted">What all instances may open at once, plus a reserve.</param>
/// <param name="Granted">What a server here is given: at most <see cref="Highest"/>, and no more than the machine's memory carries.</param>
/// <param name="Instances">How many instances there may be at once.</param>
/// <param name="Pool">Most connections of an instance's pool: the guide's, or what fits.</param>
internal sealed record ConnectionBudget(int Wanted, int Granted, long Instances, int Pool)
{
    /// <summary>For migrations, moves of buckets, the host, and a person with psql.</summary>
    public const int Reserve = 10;

    /// <summary>Over this a PostgreSQL is slower than one with a pooler before it.</summary>
    public const int Highest = 2000;

    private const long BytesPerConnection = 8 << 20;
    private const int Lowest = 20;

    public static ConnectionBudget Of(SystemGuide guide, Store store, long machineMemory)
    {
        var pool = store.Connections!.Max;
        var instances = ConnectionNeed.Instances(guide);
        var wanted = (int)Math.Min(int.MaxValue, Math.Max(Lowest, (instances * ConnectionNeed.OfInstance(store, pool)) + Reserve));
        var granted = (int)Math.Min(wanted, Math.Clamp(machineMemory / BytesPerConnection, 100, Highest));
        var fitting = instances == 0 ? pool : ((granted - Reserve) / instances) - ConnectionNeed.Beside(store);
        return new ConnectionBudget(wanted, granted, instances, (int)Math.Min(pool, fitting));
    }

    /// <summary>What to tell when not all are granted; null when they are.</summary>
    /// <exception cref="RuntimeException">Not even the smallest pools fit.</exception>
    public string? Check(string store, Store settings)
    {
        if (Granted >= Wanted)
        {
            return null;
        }

        var each = $"{Instances} instances (scale.max of every service, and one more while one is replaced) × {ConnectionNeed.OfInstance(settings, settings.Connections!.Max)} connections (pool.max and {ConnectionNeed.Beside(settings)} beside it) and a reserve of {Reserve} are {Wanted}";
        return Pool >= ConnectionNeed.LeastPool
            ? $"store {store}: {each}; a server here takes {Granted}: each instance's pool is {Pool} instead of {settings.Connections.Max}; lower stores.{store}.pool.max or scale.max"
            : throw new RuntimeException(RuntimeFailure.Guide, $"stores.{store}.pool.max: {each}; a server here takes {Granted}, which leaves not even {ConnectionNeed.LeastPool} for each pool; lower scale.max");
    }
}
