namespace Tenfold.Guide;

/// <summary>One deployable of a system. Exactly one of <see cref="Project"/> and <see cref="Command"/> is set.</summary>
public sealed record Service
{
    /// <summary>Folder of a .NET project (or a .csproj file), relative to the guide; published and run.</summary>
    public string? Project { get; init; }

    /// <summary>Program and arguments of a service in any language; runs in the guide's folder.</summary>
    public IReadOnlyList<string>? Command { get; init; }

    /// <summary>Environment variables for its instances, beside those of the instance contract.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Fills the stores, once: arguments for the project, or a whole command for a <see cref="Command"/> service.</summary>
    public IReadOnlyList<string>? Seed { get; init; }

    /// <summary>What one instance may use.</summary>
    public InstanceSize Instance { get; init; } = new();

    /// <summary>How its instances are found to be well or ill.</summary>
    public Health Health { get; init; } = new();

    /// <summary>How long a leaving instance may take to finish what is in flight. Default 30s.</summary>
    [Between("0s", "1h")]
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Listen on a Unix socket (<c>TENFOLD_SOCKET</c>) instead of a TCP port. Default false.</summary>
    public bool Socket { get; init; }

    /// <summary>How many instances.</summary>
    public Scale Scale { get; init; } = new();
}

/// <summary>What one instance may use, held by cgroups. Nothing said is no limit.</summary>
public sealed record InstanceSize
{
    /// <summary>Processor share: <c>500m</c> is half a core.</summary>
    [Between("10m", "1024")]
    public Cpu? Cpu { get; init; }

    /// <summary>Memory: <c>512Mi</c>; over it the instance is killed and restarted.</summary>
    [Between("4Mi", "1024Gi")]
    public ByteSize? Memory { get; init; }
}

/// <summary>Active checks (GET <see cref="Path"/>) and passive ones (what real requests met).</summary>
public sealed record Health
{
    /// <summary>Path that answers 200 when the instance is ready. Default <c>/health</c>.</summary>
    public string Path { get; init; } = "/health";

    /// <summary>Time between two checks. Default 5s.</summary>
    [Between("10ms", "1h")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long one check may take. Default 1s.</summary>
    [Between("1ms", "1h")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Failed checks in a row after which the instance leaves the rotation. Default 3.</summary>
    [Between("1", "1k")]
    public int Failures { get; init; } = 3;

    /// <summary>Good checks in a row after which it comes back. Default 2.</summary>
    [Between("1", "1k")]
    public int Successes { get; init; } = 2;

    /// <summary>How long a starting instance may take until its first good check. Default 1m.</summary>
    [Between("10ms", "1d")]
    public TimeSpan Start { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>What real requests may meet before an instance is left out for a while.</summary>
    public PassiveHealth Passive { get; init; } = new();

    /// <summary>Over this long a new or recovered instance is brought up to its full share. Default 10s; 0s turns it off.</summary>
    [Between("0s", "1h")]
    public TimeSpan SlowStart { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>Outlier ejection: <see cref="Failures"/> within <see cref="Within"/> take an instance out for <see cref="Out"/>.</summary>
public sealed record PassiveHealth
{
    /// <summary>Failed requests (connection failures, 502/503/504, timeouts). Default 5; 0 turns it off.</summary>
    [Between("0", "1M")]
    public int Failures { get; init; } = 5;

    /// <summary>The time in which they are counted. Default 10s.</summary>
    [Between("10ms", "1h")]
    public TimeSpan Within { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the instance is left out. Default 10s.</summary>
    [Between("10ms", "1h")]
    public TimeSpan Out { get; init; } = TimeSpan.FromSeconds(10);
}
