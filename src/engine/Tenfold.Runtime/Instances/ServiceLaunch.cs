namespace Tenfold.Runtime.Instances;

/// <summary>How a command of a service is started beside its instances: with the same program, folder, stores and secrets.</summary>
public sealed record ServiceLaunch
{
    /// <summary>Program and arguments that a command's own come behind; empty for a service with <c>command:</c>, where they are all of it.</summary>
    public required IReadOnlyList<string> Program { get; init; }

    public required string WorkingDirectory { get; init; }

    /// <summary>On top of the caller's own environment.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }
}
