using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection;

namespace Tenfold.Jobs.Kinds;

/// <summary>A kind of job that this app can enqueue, and do when it has a handler.</summary>
internal abstract class JobKind(string kind, string queue, Type type, Type? handler)
{
    public string Kind { get; } = kind;

    public string Queue { get; } = queue;

    public Type Type { get; } = type;

    /// <summary>Null when this app only enqueues it.</summary>
    public Type? Handler { get; } = handler;

    /// <summary>Reads the payload and calls the handler.</summary>
    /// <exception cref="JsonException">The payload is no such job any more.</exception>
    public abstract Task RunAsync(IServiceProvider services, ReadOnlyMemory<byte> payload, JobContext context, CancellationToken cancel);
}

/// <inheritdoc />
internal sealed class JobKind<TJob>(string kind, string queue, Type? handler, JsonTypeInfo<TJob> json) : JobKind(kind, queue, typeof(TJob), handler)
{
    public byte[] Write(TJob job) => JsonSerializer.SerializeToUtf8Bytes(job, json);

    public override Task RunAsync(IServiceProvider services, ReadOnlyMemory<byte> payload, JobContext context, CancellationToken cancel)
    {
        var job = JsonSerializer.Deserialize(payload.Span, json) ?? throw new JsonException($"the payload of job {context.Id} is null");
        var handling = (IJobHandler<TJob>)services.GetRequiredService(Handler!);
        return handling.HandleAsync(job, context, cancel);
    }
}
