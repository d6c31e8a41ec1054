namespace Tenfold.Caching.Loading;

/// <summary>What a load brought.</summary>
/// <param name="Payload">The bytes to keep and send.</param>
public readonly record struct Loaded(ReadOnlyMemory<byte> Payload)
{
    /// <summary>There is no such thing. Kept only when the policy says for how long (<see cref="CachePolicy.Negative"/>).</summary>
    public bool IsNegative { get; init; }

    /// <summary>Handed out to those who wait, but not kept.</summary>
    public bool IsTransient { get; init; }

    /// <summary>The value as an object; handed to everybody who asks, so it must not change.</summary>
    internal object? Shared { get; init; }
}
