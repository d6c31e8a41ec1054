namespace Tenfold.Runtime.Control;

/// <summary>What can be asked of a running system.</summary>
public interface IControlTarget
{
    /// <summary>How it is.</summary>
    SystemStatus Status();

    /// <summary>Replaces the instances of a service, or one instance, or (null) everything, one by one.</summary>
    Task RestartAsync(string? serviceOrInstance, Action<string> report);

    /// <summary>Changes the number of instances of a service, and keeps its rules from changing it; null: leaves it to them again.</summary>
    Task ScaleAsync(string service, int? count, Action<string> report);

    /// <summary>What was decided about the number of instances after the decision of a number; of one service, or (null) of all.</summary>
    IReadOnlyList<Scaling.ScalingDecision> Decisions(long after, string? service);

    /// <summary>The databases of every PostgreSQL, and how to reach them.</summary>
    IReadOnlyList<Stores.DatabaseAccess> Databases();

    /// <summary>How a command of a service is started.</summary>
    /// <exception cref="RuntimeException">There is no such service, or the system is not up.</exception>
    Instances.ServiceLaunch Launch(string service);

    /// <summary>Starts databases until a store has so many; all else as the guide says now.</summary>
    Task GrowAsync(string store, int shards, Action<string> report);

    /// <summary>Asks it to stop everything and end; returns at once.</summary>
    void RequestStop();

    /// <summary>Counters and histograms as Prometheus text.</summary>
    Task WriteMetricsAsync(Stream stream, CancellationToken cancel);
}
