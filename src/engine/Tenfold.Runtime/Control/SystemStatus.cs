using System.Text.Json.Serialization;

namespace Tenfold.Runtime.Control;

/// <summary>A system at one moment, as <c>tenfold status --json</c> prints it. Rates are over the last seconds.</summary>
public sealed record SystemStatus
{
    /// <summary>The system's name.</summary>
    public required string System { get; init; }

    /// <summary><c>down</c>, <c>starting</c>, <c>up</c> or <c>stopping</c>; <c>not-answering</c> when there is a host that hangs, just begins, or is another user's.</summary>
    public required string State { get; init; }

    /// <summary>Process id of its host.</summary>
    public int? Pid { get; init; }

    /// <summary>When the host was started; UTC.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Where its data, logs and sockets are.</summary>
    public required string StateFolder { get; init; }

    public GatewayStatus? Gateway { get; init; }

    public IReadOnlyList<ServiceStatus> Services { get; init; } = [];

    public IReadOnlyList<StoreReport> Stores { get; init; } = [];

    /// <summary>What happened last, oldest first.</summary>
    public IReadOnlyList<NoteStatus> Notes { get; init; } = [];
}

/// <summary>The entrance.</summary>
public sealed record GatewayStatus
{
    public required string Url { get; init; }

    /// <summary>Requests a second.</summary>
    public double? RequestsPerSecond { get; init; }

    /// <summary>95th percentile of the latency, in milliseconds; none without requests.</summary>
    public double? P95Milliseconds { get; init; }

    /// <summary>Share of requests answered with 5xx or not at all, from 0 to 1; none without requests.</summary>
    public double? ErrorRate { get; init; }

    /// <summary>Requests that are being worked on.</summary>
    public long? InFlight { get; init; }
}

/// <summary>One service.</summary>
public sealed record ServiceStatus
{
    public required string Name { get; init; }

    public required int Min { get; init; }

    public required int Max { get; init; }

    /// <summary>Instances that it is to have: those that leave are not among them.</summary>
    public required int Wanted { get; init; }

    /// <summary>Instances that get requests.</summary>
    public required int Ready { get; init; }

    /// <summary>How its rules stand; null: it has none.</summary>
    public ScalingStatus? Scaling { get; init; }

    public required IReadOnlyList<InstanceReport> Instances { get; init; }
}

/// <summary>How the rules of a service stand.</summary>
public sealed record ScalingStatus
{
    /// <summary>The number that was set by hand; null: its rules decide.</summary>
    public int? Pinned { get; init; }

    /// <summary>What was decided last, in one sentence, also when it changed nothing; null before the first decision.</summary>
    public string? Now { get; init; }

    /// <summary>What keeps it from what its rules want.</summary>
    public Tenfold.Scaling.ScalingLimit Limit { get; init; }

    /// <summary>The last change.</summary>
    public Scaling.ScalingDecision? Change { get; init; }

    /// <summary>90th percentile of its last ten starts, in seconds.</summary>
    public double? StartSeconds { get; init; }
}

/// <summary>One instance.</summary>
public sealed record InstanceReport
{
    public required string Name { get; init; }

    /// <summary>Whether it gets requests now.</summary>
    public required bool Ready { get; init; }

    /// <summary><c>starting</c>, <c>ready</c>, <c>unhealthy</c>, <c>ejected</c>, <c>waiting</c>, <c>crash-loop</c>, <c>stopping</c>, <c>stopped</c>.</summary>
    public required string State { get; init; }

    public int? Pid { get; init; }

    /// <summary>Where it listens: <c>127.0.0.1:23456</c> or the path of a Unix socket.</summary>
    public string? Address { get; init; }

    /// <summary>Start of its present process; UTC.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>How often it was started again.</summary>
    public int Restarts { get; init; }

    public double? RequestsPerSecond { get; init; }

    public double? P95Milliseconds { get; init; }

    /// <summary>Cores in use.</summary>
    public double? Cpu { get; init; }

    public long? MemoryBytes { get; init; }

    /// <summary>Why it is not ready, or how it last ended.</summary>
    public string? Note { get; init; }
}

/// <summary>One server of a store.</summary>
public sealed record StoreReport
{
    /// <summary>Its name: the store's, with the database's number and its own where there are several (<c>main_2.1</c>).</summary>
    public required string Name { get; init; }

    /// <summary>The store's name in the guide.</summary>
    public string? Store { get; init; }

    /// <summary>Which of the store's databases, from 0.</summary>
    public int Database { get; init; }

    /// <summary><c>postgres</c> or <c>redis</c>.</summary>
    public required string Engine { get; init; }

    public required bool Ready { get; init; }

    public required string State { get; init; }

    public int? Pid { get; init; }

    public string? Address { get; init; }

    public int Restarts { get; init; }

    /// <summary>Cores in use.</summary>
    public double? Cpu { get; init; }

    public long? MemoryBytes { get; init; }

    /// <summary>PostgreSQL: <c>primary</c> or <c>replica</c>.</summary>
    public string? Role { get; init; }

    /// <summary>Of a replica: whether its primary feeds it.</summary>
    public bool? Streams { get; init; }

    /// <summary>Of a replica: whether commits wait for it, or for one like it.</summary>
    public bool? Synchronous { get; init; }

    /// <summary>Of a replica: WAL that reads on it do not see yet, in bytes.</summary>
    public long? LagBytes { get; init; }

    /// <summary>Of a replica: how long ago the primary wrote what reads on it see last, in milliseconds; 0 when they see all of it.</summary>
    public double? LagMilliseconds { get; init; }

    public string? Note { get; init; }
}

/// <summary>Something that happened.</summary>
public sealed record NoteStatus(DateTimeOffset Time, string Text);

/// <summary>One line of a control operation's answer: progress, or the end of it.</summary>
/// <param name="Text">A step that was done.</param>
/// <param name="Failure">Why it failed: a name of <see cref="RuntimeFailure"/>; <see cref="Text"/> is then the message.</param>
/// <param name="Done">The operation has reached its goal; nothing follows.</param>
public sealed record ControlLine(string? Text = null, RuntimeFailure? Failure = null, bool Done = false);

/// <summary>JSON of the control socket and of <c>--json</c>.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(SystemStatus))]
[JsonSerializable(typeof(ControlLine))]
[JsonSerializable(typeof(IReadOnlyList<Stores.DatabaseAccess>))]
[JsonSerializable(typeof(IReadOnlyList<Scaling.ScalingDecision>))]
[JsonSerializable(typeof(Instances.ServiceLaunch))]
[JsonSerializable(typeof(Scaling.Claim))]
[JsonSerializable(typeof(Host.HostEvent))]
public sealed partial class ControlJson : JsonSerializerContext;
