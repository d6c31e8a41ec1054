using Tenfold.Guide;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Instances;

/// <summary>What every instance of one service is started with.</summary>
public sealed record ServiceRun
{
    /// <summary>The service's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its part of the guide.</summary>
    public required Service Service { get; init; }

    /// <summary>Program and arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Where it runs.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>Environment that all its instances share: the guide's, the stores', the contract's. Asked at each start: a store may have grown.</summary>
    public required Func<IReadOnlyDictionary<string, string>> Environment { get; init; }

    public required SystemState State { get; init; }

    public required IRotation Rotation { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>For ports and jitter; thread-safe.</summary>
    public required Random Random { get; init; }

    /// <summary>Told what happens, in sentences.</summary>
    public required Action<string> Note { get; init; }

    /// <summary>Told why an instance runs without its cgroup limits.</summary>
    public Action<string> Unlimited { get; init; } = _ => { };

    /// <summary>Told how long each start took: from the start of the process until it was ready.</summary>
    public Action<TimeSpan> Started { get; init; } = _ => { };

    /// <summary>When instances that died are started again.</summary>
    public RestartPolicy Restarts { get; init; } = new();
}
