using System.Text.Json;

namespace Tenfold.Jobs.Outbox;

/// <summary>
/// A message for somebody else's HTTP server, sent when the transaction that enqueues it has committed: a POST with JSON, signed as the
/// Standard Webhooks specification has it. Needs <see cref="OutboxExtensions.AddOutbox"/>.
/// </summary>
[Job("tenfold.webhook", Queue = OutboxOptions.Queue)]
public sealed record Webhook
{
    /// <summary>Where to, <c>https</c> or <c>http</c>.</summary>
    public required string Url { get; init; }

    /// <summary>Name of the key that it is signed with, of <see cref="OutboxOptions.Secrets"/>: never the key itself, as jobs can be looked at.</summary>
    public required string Secret { get; init; }

    /// <summary>What is sent.</summary>
    public required JsonElement Body { get; init; }
}

/// <summary>An entry for a stream of Redis, added when the transaction that enqueues it has committed. Needs <see cref="OutboxExtensions.AddOutbox"/>.</summary>
[Job("tenfold.redis-stream", Queue = OutboxOptions.Queue)]
public sealed record RedisStreamEntry
{
    /// <summary>The field that the job's number is in: readers that see one twice have seen it.</summary>
    public const string JobField = "job";

    /// <summary>The stream's key.</summary>
    public required string Stream { get; init; }

    /// <summary>The entry's fields, beside <see cref="JobField"/>.</summary>
    public required IReadOnlyDictionary<string, string> Fields { get; init; }

    /// <summary>About so many entries are kept in the stream, the newest. Default 100,000.</summary>
    public long MostEntries { get; init; } = 100_000;

    /// <summary>The Redis store, where the app has several. Default: its only one.</summary>
    public string? Store { get; init; }
}
