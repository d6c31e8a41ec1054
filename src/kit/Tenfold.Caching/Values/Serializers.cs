using System.Buffers;
using System.Collections.Concurrent;
using System.ComponentModel;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.DependencyInjection;

namespace Tenfold.Caching.Values;

/// <summary>
/// How objects become bytes, by type: an <see cref="IHybridCacheSerializer{T}"/> or <see cref="IHybridCacheSerializerFactory"/>
/// of the app's services, else UTF-8 for strings, the bytes themselves for byte arrays, else System.Text.Json. Thread-safe.
/// </summary>
internal sealed class Serializers(IServiceProvider? services)
{
    private readonly ConcurrentDictionary<Type, object> _byType = new();

    public IHybridCacheSerializer<T> For<T>() => (IHybridCacheSerializer<T>)_byType.GetOrAdd(typeof(T), static (_, self) => self.Find<T>(), this);

    private IHybridCacheSerializer<T> Find<T>()
    {
        if (services?.GetService<IHybridCacheSerializer<T>>() is { } registered)
        {
            return registered;
        }

        foreach (var factory in services?.GetServices<IHybridCacheSerializerFactory>() ?? [])
        {
            if (factory.TryCreateSerializer<T>(out var made))
            {
                return made;
            }
        }

        return typeof(T) == typeof(string) ? (IHybridCacheSerializer<T>)(object)new Text()
            : typeof(T) == typeof(byte[]) ? (IHybridCacheSerializer<T>)(object)new Bytes()
            : new Json<T>(services?.GetKeyedService<JsonSerializerOptions>(typeof(IHybridCacheSerializer<>)) ?? JsonSerializerOptions.Default);
    }

    private sealed class Text : IHybridCacheSerializer<string>
    {
        public string Deserialize(ReadOnlySequence<byte> source) => Encoding.UTF8.GetString(source);

        public void Serialize(string value, IBufferWriter<byte> target) => Encoding.UTF8.GetBytes(value, target);
    }

    private sealed class Bytes : IHybridCacheSerializer<byte[]>
    {
        public byte[] Deserialize(ReadOnlySequence<byte> source) => source.ToArray();

        public void Serialize(byte[] value, IBufferWriter<byte> target) => target.Write(value);
    }

    private sealed class Json<T>(JsonSerializerOptions options) : IHybridCacheSerializer<T>
    {
        public T Deserialize(ReadOnlySequence<byte> source)
        {
            var reader = new Utf8JsonReader(source);
            return JsonSerializer.Deserialize<T>(ref reader, options)!;
        }

        public void Serialize(T value, IBufferWriter<byte> target)
        {
            using var writer = new Utf8JsonWriter(target);
            JsonSerializer.Serialize(writer, value, options);
        }
    }
}

/// <summary>Whether one object may be handed to everybody: strings, plain values, and types marked <c>[ImmutableObject(true)]</c>.</summary>
internal static class Shareable<T>
{
    public static readonly bool Value =
        typeof(T) == typeof(string)
        || !RuntimeHelpers.IsReferenceOrContainsReferences<T>()
        || typeof(T).GetCustomAttribute<ImmutableObjectAttribute>() is { Immutable: true };
}
