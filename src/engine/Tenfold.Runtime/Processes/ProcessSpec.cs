using Tenfold.Runtime.Cgroups;

namespace Tenfold.Runtime.Processes;

/// <summary>What to start, and how it is stopped.</summary>
public sealed record ProcessSpec
{
    /// <summary>Unique in the system: <c>api-2</c>, <c>main</c>. Names its pid file.</summary>
    public required string Name { get; init; }

    /// <summary>Program: a path, or a name to be found on PATH.</summary>
    public required string FileName { get; init; }

    /// <summary>Its arguments.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Where it runs; must be there.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>Environment variables on top of the inherited ones.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether it gets this process's environment. Default true; a store gets PATH only.</summary>
    public bool InheritEnvironment { get; init; } = true;

    /// <summary>Runs as this user (root only). Default: as the caller.</summary>
    public SystemUser? RunAs { get; init; }

    /// <summary>Joined before the program starts. Default: none.</summary>
    public Cgroup? Cgroup { get; init; }

    /// <summary>What asks it to stop. Default SIGTERM.</summary>
    public Signal StopSignal { get; init; } = Signal.Terminate;

    /// <summary>What is sent when it has not stopped in time, a few seconds before it is killed. Default: nothing.</summary>
    public Signal? FirmSignal { get; init; }

    /// <summary>Whether the signal goes to all of its process group (a shell with a child), or to the first process only. Default the group.</summary>
    public bool SignalGroup { get; init; } = true;
}
