using Tenfold.Guide;

namespace Tenfold.Runtime.Stores;

/// <summary>How many connections a PostgreSQL of a system must take.</summary>
/// <param name="Wanted">What all instances may open at once, plus a reserve.</param>
/// <param name="Granted">What this machine is given: at most <see cref="Highest"/>, and no more than its memory carries.</param>
internal sealed record ConnectionBudget(int Wanted, int Granted)
{
    /// <summary>For migrations, seeds, and a person with psql.</summary>
    public const int Reserve = 10;

    /// <summary>Over this a PostgreSQL is slower than one with a pooler before it.</summary>
    public const int Highest = 2000;

    private const long BytesPerConnection = 8 << 20;
    private const int Lowest = 20;

    /// <summary>Every service may have its most instances, and one more while it is being restarted; each keeps one full pool.</summary>
    public static ConnectionBudget Of(SystemGuide guide, Store store, long machineMemory)
    {
        var pool = store.Connections!.Max;
        var instances = guide.Services.Values.Sum(service => (long)service.Scale.Most + 1);
        var wanted = (int)Math.Min(int.MaxValue, Math.Max(Lowest, (instances * pool) + Reserve));
        return new ConnectionBudget(wanted, (int)Math.Min(wanted, Math.Clamp(machineMemory / BytesPerConnection, 100, Highest)));
    }

    /// <summary>What to tell when not all are granted; null when they are.</summary>
    public string? Warning(string store) => Granted < Wanted
        ? $"store {store}: all instances together may open {Wanted} connections (scale.max × pool.max of every service), this machine is given {Granted}; over that an instance waits or fails to connect: lower stores.{store}.pool.max or scale.max"
        : null;
}
