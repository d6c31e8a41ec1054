using System.Text.Json.Serialization;
using Tenfold.Jobs;

namespace JobsDriver;

/// <summary>A job that does nothing.</summary>
[Job("bench.nothing")]
internal sealed record Nothing(int Number);

[JsonSerializable(typeof(Nothing))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
internal sealed partial class BenchJson : JsonSerializerContext;

/// <summary>What the handler does beside nothing: what the measurement asks for.</summary>
internal sealed record Work(Func<Nothing, JobContext, CancellationToken, Task> Do);

internal sealed class NothingHandler(Work work) : IJobHandler<Nothing>
{
    public Task HandleAsync(Nothing job, JobContext context, CancellationToken cancel) => work.Do(job, context, cancel);
}
