using System.Text.Json.Serialization;
using Tenfold.Cli.Sharding;
using Tenfold.Guide.Reading;
using Tenfold.Jobs.Administration;
using Tenfold.Postgres.SlowQueries;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Host;
using Tenfold.Runtime.Queries;
using Tenfold.Runtime.Scaling;

namespace Tenfold.Cli.Output;

/// <summary>What <c>check --json</c> prints.</summary>
/// <param name="File">The guide.</param>
/// <param name="System">The system's name.</param>
/// <param name="Valid">Whether the guide has no errors.</param>
/// <param name="Errors">The errors.</param>
/// <param name="Queries">The queries that it lists, and whether they have an index; null where that was not looked at.</param>
internal sealed record CheckReport(string File, string? System, bool Valid, IReadOnlyList<GuideError> Errors, IReadOnlyList<QueryFinding>? Queries);

/// <summary>What <c>down --json</c> prints.</summary>
/// <param name="System">The system's name.</param>
/// <param name="State">Always <c>down</c>.</param>
/// <param name="WasUp">Whether there was a host to stop.</param>
/// <param name="Orphans">What a killed host had left and was ended now.</param>
/// <param name="Deleted">The folder that was deleted.</param>
/// <param name="DeletedBytes">How much was in it.</param>
internal sealed record DownReport(string System, string State, bool WasUp, IReadOnlyList<OrphanReport> Orphans, string? Deleted, long? DeletedBytes);

/// <summary>A process that a killed host had left.</summary>
internal sealed record OrphanReport(string Name, int Pid);

/// <summary>What <c>logs --json</c> prints, a line each.</summary>
internal sealed record LogReport(string Source, DateTimeOffset Time, string Origin, string Text);

/// <summary>JSON of the command line: indented, for people and for jq alike.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    WriteIndented = true)]
[JsonSerializable(typeof(CheckReport))]
[JsonSerializable(typeof(DownReport))]
[JsonSerializable(typeof(IReadOnlyList<JobSummary>))]
[JsonSerializable(typeof(IReadOnlyList<QueueOverview>))]
[JsonSerializable(typeof(IReadOnlyList<WorkerState>))]
[JsonSerializable(typeof(JobDetails))]
[JsonSerializable(typeof(RedriveReport))]
[JsonSerializable(typeof(ShardsReport))]
[JsonSerializable(typeof(SystemStatus))]
[JsonSerializable(typeof(TopQueriesReport))]
internal sealed partial class CliJson : JsonSerializerContext;

/// <summary>JSON lines, for streams.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(LogReport))]
[JsonSerializable(typeof(ScalingDecision))]
[JsonSerializable(typeof(HostEvent))]
internal sealed partial class CliLineJson : JsonSerializerContext;
