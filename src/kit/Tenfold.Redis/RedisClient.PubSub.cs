namespace Tenfold.Redis;

/// <summary>A published message.</summary>
/// <param name="Channel">Where it was published.</param>
/// <param name="Payload">What was published.</param>
public sealed record RedisMessage(string Channel, ReadOnlyMemory<byte> Payload);

public sealed partial class RedisClient
{
    /// <summary>
    /// Calls the handler with every message on a channel, one at a time, in order. Redis keeps no messages: what is published
    /// while there is no connection is lost, and so is what comes while <see cref="RedisOptions.MaxBufferedMessages"/> wait
    /// for the handler. A handler that throws is logged.
    /// </summary>
    /// <returns>Once Redis has confirmed the subscription; dispose it to end it.</returns>
    public ValueTask<IAsyncDisposable> SubscribeAsync(string channel, Func<RedisMessage, ValueTask> handler, CancellationToken cancel = default) =>
        SubscribeAsync(isPattern: false, channel, handler, cancel);

    /// <summary>The same for all channels that a glob pattern matches.</summary>
    public ValueTask<IAsyncDisposable> SubscribePatternAsync(string pattern, Func<RedisMessage, ValueTask> handler, CancellationToken cancel = default) =>
        SubscribeAsync(isPattern: true, pattern, handler, cancel);

    private ValueTask<IAsyncDisposable> SubscribeAsync(bool isPattern, string name, Func<RedisMessage, ValueTask> handler, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(handler);
        return _subscriptions.AddAsync(isPattern, name, handler, cancel);
    }
}
