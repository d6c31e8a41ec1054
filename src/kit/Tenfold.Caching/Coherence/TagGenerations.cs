using System.Buffers.Text;
using System.Collections.Concurrent;
using Tenfold.Redis;

namespace Tenfold.Caching.Coherence;

/// <summary>The tags' generations as Redis has them. Throws what Redis throws. Thread-safe.</summary>
internal sealed class TagGenerations(RedisClient client, IRedisTracker tracker, CacheState state, Random random)
{
    private const long LifeMs = 30L * 24 * 3600 * 1000;

    private readonly ConcurrentDictionary<TagState, Task<long>> _fetching = new();
    private readonly Lock _random = new();

    /// <summary>A tag's generation, of its value in Redis.</summary>
    public static long Of(byte[]? value) =>
        value is null ? TagState.Missing
        : Utf8Parser.TryParse(value, out long number, out var used) && used == value.Length && number >= 0 ? number
        : TagState.Missing;

    /// <summary>The generations of the tags, at the latest as of now; null when one cannot be had.</summary>
    public async ValueTask<long[]?> ReadAsync(IReadOnlyList<TagState> tags, CancellationToken cancel)
    {
        var generations = new long[tags.Count];
        for (var i = 0; i < generations.Length; i++)
        {
            generations[i] = tags[i].Generation is >= 0 and var known ? known : await FetchAsync(tags[i]).WaitAsync(cancel);
            if (generations[i] < 0)
            {
                return null;
            }
        }

        return generations;
    }

    /// <summary>Whether the tags still have these generations in Redis itself.</summary>
    public async ValueTask<bool> HoldAsync(IReadOnlyList<TagState> tags, long[] generations)
    {
        var reads = new Task<byte[]?>[tags.Count];
        for (var i = 0; i < reads.Length; i++)
        {
            reads[i] = client.GetAsync(state.Keys.Tag(tags[i].Name), CancellationToken.None).AsTask();
        }

        var values = await Task.WhenAll(reads);
        var hold = true;
        for (var i = 0; i < values.Length; i++)
        {
            hold &= Of(values[i]) == generations[i];
        }

        return hold;
    }

    /// <summary>Reads a tag's generation, tracked, and gives it one if it has none. Those who ask at once share one read.</summary>
    private async Task<long> FetchAsync(TagState tag)
    {
        var task = _fetching.GetOrAdd(tag, static (tag, self) => self.FetchOnceAsync(tag), this);
        try
        {
            return await task;
        }
        finally
        {
            _fetching.TryRemove(KeyValuePair.Create(tag, task));
        }
    }

    private async Task<long> FetchOnceAsync(TagState tag)
    {
        var key = state.Keys.Tag(tag.Name);
        for (var attempt = 0; attempt < 3; attempt++)
        {
            if (Of((await client.GetTrackedAsync(key, tracker, CancellationToken.None)).Value) is >= 0 and var generation)
            {
                return generation;
            }

            // Random, so that a generation that was lost never comes back.
            await client.ExecuteAsync(["SET", key, Draw(), "NX", "PX", LifeMs], CancellationToken.None);
        }

        return TagState.Missing;
    }

    private long Draw()
    {
        lock (_random)
        {
            return random.NextInt64(1L << 32, 1L << 62);
        }
    }
}
