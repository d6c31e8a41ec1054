using System.Text.Json.Nodes;

namespace Tenfold.Guide;

/// <summary>One load test: stages of users (closed model) or of arrivals a second (open model), and what each user does.</summary>
public sealed record LoadTest
{
    /// <summary>In order; each goes in a straight line from the level before it (0 at the start) to its own.</summary>
    public required IReadOnlyList<LoadStage> Stages { get; init; }

    /// <summary>What a virtual user does, again and again (closed) or once an arrival (open).</summary>
    public required IReadOnlyList<LoadStep> Scenario { get; init; }

    /// <summary>Tables whose rows users take values from: <c>{{buyers.token}}</c> is the column <c>token</c> of the user's row in <c>buyers</c>.</summary>
    public IReadOnlyDictionary<string, LoadData> Data { get; init; } = new Dictionary<string, LoadData>();

    /// <summary>What the whole test must hold, all routes together.</summary>
    public Thresholds Thresholds { get; init; } = new();

    /// <summary>Users of one of the guide's milestones, which the test must hold as well.</summary>
    [Between("1", "1000M")]
    public int? Milestone { get; init; }

    /// <summary>The thresholds, and what the milestone asks for where they say nothing.</summary>
    /// <param name="guide">The test's guide.</param>
    public Thresholds LimitsIn(SystemGuide guide)
    {
        ArgumentNullException.ThrowIfNull(guide);
        return guide.Milestones.FirstOrDefault(milestone => milestone.Users == Milestone) is not { } reached
            ? Thresholds
            : Thresholds with
            {
                P95 = Thresholds.P95 ?? reached.P95,
                Errors = Thresholds.Errors ?? (reached.Availability is { } available ? new Percentage(Math.Round(1 - available.Fraction, 9)) : null),
                RequestsPerSecond = Thresholds.RequestsPerSecond ?? reached.RequestsPerSecond,
            };
    }
}

/// <summary>
/// A table as CSV with a header: a file, or what a command of a service prints. User 1 has the first row; after the last one it goes on
/// with the first again.
/// </summary>
public sealed record LoadData
{
    /// <summary>Path of the file, from the guide's folder.</summary>
    public string? File { get; init; }

    /// <summary>Service whose project or command is run with <see cref="Args"/>, as an instance of it is.</summary>
    public string? Service { get; init; }

    /// <summary>Arguments of the command.</summary>
    public IReadOnlyList<string> Args { get; init; } = [];
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

    /// <summary>Least number of requests a second that are answered well, in the best 30 s of the test.</summary>
    [Between("0", "100M")]
    public double? RequestsPerSecond { get; init; }
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

/// <summary>Steps that some go through and others leave out: <c>{ share: 4%, steps: [{ post: /api/orders }] }</c>.</summary>
public sealed record ShareStep : LoadStep
{
    /// <summary>How many of those who come here take the steps, by chance.</summary>
    [Between("0%", "100%")]
    public required Percentage Share { get; init; }

    /// <summary>The steps. What they capture is known among them only.</summary>
    public required IReadOnlyList<LoadStep> Steps { get; init; }
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
    public static IReadOnlyList<string> Generators { get; } = ["uuid", "user", "iteration", "random", "pick"];

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
