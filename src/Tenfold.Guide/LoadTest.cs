using System.Text.Json.Nodes;

namespace Tenfold.Guide;

/// <summary>One load test: stages of users (closed model) or of arrivals a second (open model), and what each user does.</summary>
public sealed record LoadTest
{
    /// <summary>In order; each goes in a straight line from the level before it (0 at the start) to its own.</summary>
    public required IReadOnlyList<LoadStage> Stages { get; init; }

    /// <summary>What a virtual user does, again and again (closed) or once an arrival (open).</summary>
    public required IReadOnlyList<LoadStep> Scenario { get; init; }

    /// <summary>What the whole test must hold, all routes together.</summary>
    public Thresholds Thresholds { get; init; } = new();
}

/// <summary>Exactly one of <see cref="Users"/> and <see cref="Rate"/> is set, the same in every stage of a test.</summary>
public sealed record LoadStage
{
    /// <summary>How long the stage lasts.</summary>
    [Between("0s", "7d")]
    public required TimeSpan For { get; init; }

    /// <summary>Virtual users at its end (closed model).</summary>
    [Between("0", "1M")]
    public int? Users { get; init; }

    /// <summary>Scenario starts a second at its end (open model).</summary>
    [Between("0", "10M")]
    public double? Rate { get; init; }
}

/// <summary>Limits for all requests of a test together.</summary>
public sealed record Thresholds
{
    /// <summary>Mean latency.</summary>
    [Between("1us", "1d")]
    public TimeSpan? Average { get; init; }

    /// <summary>Median latency.</summary>
    [Between("1us", "1d")]
    public TimeSpan? P50 { get; init; }

    /// <summary>95th percentile of the latency.</summary>
    [Between("1us", "1d")]
    public TimeSpan? P95 { get; init; }

    /// <summary>99th percentile of the latency.</summary>
    [Between("1us", "1d")]
    public TimeSpan? P99 { get; init; }

    /// <summary>The slowest request.</summary>
    [Between("1us", "1d")]
    public TimeSpan? Max { get; init; }

    /// <summary>Share of failed requests.</summary>
    [Between("0%", "100%")]
    public Percentage? Errors { get; init; }
}

/// <summary>One step of a scenario.</summary>
public abstract record LoadStep;

/// <summary>Wait, as a person would.</summary>
public sealed record ThinkStep : LoadStep
{
    /// <summary>How long.</summary>
    [Between("0s", "1d")]
    public required TimeSpan Think { get; init; }
}

/// <summary>Send several requests at the same time, each on a connection of its own, and wait for all answers: <c>{ parallel: [{ get: /a }, { get: /b }] }</c>.</summary>
public sealed record ParallelStep : LoadStep
{
    /// <summary>Most requests of one step.</summary>
    public const int Most = 32;

    /// <summary>The requests, 1 to 32.</summary>
    public required IReadOnlyList<RequestStep> Parallel { get; init; }
}

/// <summary>Send a request: <c>{ get: /api/products, expect: 200, capture: { id: data.0.id } }</c>.</summary>
public sealed record RequestStep : LoadStep
{
    /// <summary>Names that stand for a value made anew in each request; nothing that is captured can have them.</summary>
    public static IReadOnlyList<string> Generators { get; } = ["uuid", "user", "iteration", "random"];

    /// <summary>GET, POST, PUT, PATCH or DELETE: the step's first key.</summary>
    [NotAKey]
    public required string Method { get; init; }

    /// <summary>Path and query; may hold templates such as <c>{{id}}</c>.</summary>
    [NotAKey]
    public required string Path { get; init; }

    /// <summary>Request headers; values may hold templates.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>JSON body; its strings may hold templates.</summary>
    public JsonNode? Json { get; init; }

    /// <summary>Status that counts as success. Default: any below 400.</summary>
    [Between("100", "599")]
    public int? Expect { get; init; }

    /// <summary>Variables for later steps, by JSON path in the answer.</summary>
    public IReadOnlyDictionary<string, string> Capture { get; init; } = new Dictionary<string, string>();
}
