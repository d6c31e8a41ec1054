using System.Buffers;
using Microsoft.Extensions.Caching.Hybrid;
using Tenfold.Caching.Loading;

namespace Tenfold.Caching.Values;

/// <summary>A load that makes an object.</summary>
internal sealed class TypedRequest<TState, T>(CachePolicy policy, string[] tags, TState state, Func<TState, CancellationToken, ValueTask<T>> factory, IHybridCacheSerializer<T> serializer)
    : LoadRequest(policy, tags)
{
    public override async ValueTask<Loaded> LoadAsync(CancellationToken cancel)
    {
        var value = await factory(state, cancel);
        if (value is null)
        {
            return new Loaded(ReadOnlyMemory<byte>.Empty) { IsNegative = true };
        }

        var bytes = new ArrayBufferWriter<byte>(256);
        serializer.Serialize(value, bytes);
        return new Loaded(bytes.WrittenMemory) { Shared = Shareable<T>.Value ? value : null };
    }
}

/// <summary>A load that makes the bytes to send.</summary>
internal sealed class BytesRequest<TState>(CachePolicy policy, string[] tags, TState state, Func<TState, CancellationToken, ValueTask<Loaded>> load) : LoadRequest(policy, tags)
{
    public override ValueTask<Loaded> LoadAsync(CancellationToken cancel) => load(state, cancel);
}
