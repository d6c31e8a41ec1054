using System.Text.Json.Serialization;

namespace Tenfold.Jobs.Outbox;

/// <summary>How the jobs of the outbox are sent. Set when the app is built; not changed afterwards.</summary>
public sealed class OutboxOptions
{
    /// <summary>The queue of these jobs.</summary>
    public const string Queue = "outbox";

    /// <summary>
    /// Keys by name: <c>whsec_</c> and base64 of 24 to 64 bytes. Several with a space between them while a key is being changed: the message then
    /// has a signature of each.
    /// </summary>
    public IDictionary<string, string> Secrets { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>How long one request may take. Default 15 s.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Bytes of an answer that are read; the rest is not. Default 16 KiB.</summary>
    public int MostResponse { get; set; } = 16 << 10;

    /// <summary>Longest pause that a receiver may ask for (<c>Retry-After</c>). Default 1 h.</summary>
    public TimeSpan MostPause { get; set; } = TimeSpan.FromHours(1);

    /// <summary>For so long since it was enqueued a pause that a receiver asks for is not counted as an attempt. Default 1 day.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromDays(1);

    /// <summary>
    /// Whether webhooks may go to addresses of this machine and of private networks. Default false: an address that a user has entered
    /// must not reach what only the system itself is to reach.
    /// </summary>
    public bool AllowPrivateAddresses { get; set; }
}

/// <summary>Adds the outbox to an app's jobs.</summary>
public static class OutboxExtensions
{
    /// <summary>The jobs <see cref="Webhook"/> and <see cref="RedisStreamEntry"/> and their handlers.</summary>
    public static JobOptions AddOutbox(this JobOptions options, Action<OutboxOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Outbox is null)
        {
            options.Outbox = new OutboxOptions();
            options.Json.Add(OutboxJson.Default);
        }

        configure?.Invoke(options.Outbox);
        foreach (var (name, secret) in options.Outbox.Secrets)
        {
            WebhookSignature.Check(name, secret);
        }

        return options;
    }
}

[JsonSerializable(typeof(Webhook))]
[JsonSerializable(typeof(RedisStreamEntry))]
internal sealed partial class OutboxJson : JsonSerializerContext;
