namespace Tenfold.Runtime.Stores;

/// <summary>How a <see cref="StoreSet"/> runs; the defaults are what <c>tenfold up</c> uses.</summary>
public sealed record StoreOptions
{
    /// <summary>Gets a line for whatever takes time or goes wrong. Default: nobody.</summary>
    public Action<string> Report { get; init; } = static _ => { };

    /// <summary>
    /// Whether what is stored survives a power failure. Default true; false is for tests: no fsync, so that a cluster is
    /// made in half the time (a killed PostgreSQL loses nothing all the same), and a Redis that starts empty each time.
    /// </summary>
    public bool Durable { get; init; } = true;

    /// <summary>How long a store may take until it answers, recovery after a crash included. Default 5 min.</summary>
    public TimeSpan StartLimit { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a store may take to stop before it is killed. Default 30 s.</summary>
    public TimeSpan StopLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a replica that leaves waits for what reads from it. Default 30 s.</summary>
    public TimeSpan ReadersLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>When a server is given up.</summary>
    internal FailoverLimits Failover { get; init; } = new();

    /// <summary>Clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Chooses ports, and the jitter of pauses.</summary>
    public Random Random { get; init; } = new();
}
