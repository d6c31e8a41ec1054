using System.Security.Cryptography;
using Tenfold.Caching.Coherence;
using Tenfold.Caching.Entries;

namespace Tenfold.Caching.Loading;

/// <summary>Makes entries of what loads bring. Thread-safe.</summary>
internal sealed class EntryMaker(CacheOptions options, CacheState state, Random random)
{
    private readonly Lock _random = new();
    private readonly long _bound = state.Clock.Ticks(options.PropagationBound);

    /// <summary>Stands for "not cached".</summary>
    public static CacheEntry Nothing { get; } = new(
        EntryFormat.Write(EntryFlags.Negative, stackalloc byte[CacheEntry.VersionSize], 0, 0, [], [], []), TagStamp.None, new EntryTimes(0, 0, 0, 0, EntryTimes.Untracked));

    /// <summary>The bytes to store, with a version of its own and a jittered lifetime.</summary>
    public EntryImage Image(LoadRequest request, Loaded loaded, long[] generations)
    {
        var policy = request.Policy;
        var lifetime = (loaded.IsNegative && policy.Negative is { } negative ? negative : policy.Ttl).TotalMilliseconds;
        Span<byte> version = stackalloc byte[CacheEntry.VersionSize];
        RandomNumberGenerator.Fill(version);
        double share;
        lock (_random)
        {
            share = random.NextDouble() * policy.Jitter;
        }

        return EntryFormat.Write(
            loaded.IsNegative ? EntryFlags.Negative : loaded.Shared is not null ? EntryFlags.Shared : EntryFlags.None,
            version,
            Math.Max(1, (long)(lifetime * (1 - share))),
            (long)policy.Stale.TotalMilliseconds,
            request.Tags,
            generations,
            loaded.Payload.Span);
    }

    /// <summary>Of a cache without Redis: memory is all there is.</summary>
    public CacheEntry Local(EntryImage image, TagState[] tags, CachePolicy policy, Loaded loaded) =>
        new(image, state.StampOf(tags, image.Generations), Times.Of(image, policy, state.Clock, state.Clock.Now, image.LifetimeMs + image.StaleMs, state.Lease.Epoch, capped: false)) { Shared = loaded.Shared };

    /// <summary>To hand out, not to keep.</summary>
    public CacheEntry HandedOut(LoadRequest request, Loaded loaded, long started)
    {
        var image = Image(request, loaded, new long[request.Tags.Length]);
        return new CacheEntry(image, TagStamp.None, Times.Of(image, request.Policy, state.Clock, started, image.LifetimeMs + image.StaleMs, EntryTimes.Untracked)) { Shared = loaded.Shared };
    }

    /// <summary>To keep for no longer than the bound on propagation, from the start of the load: nobody tells this node when it changes.</summary>
    public CacheEntry Brief(LoadRequest request, Loaded loaded, long started, int epoch)
    {
        var image = Image(request, loaded, new long[request.Tags.Length]);
        var until = started + Math.Min(_bound, state.Clock.Ticks(image.LifetimeMs));
        return new CacheEntry(image, TagStamp.None, new EntryTimes(started, long.MaxValue, until, until, epoch)) { Shared = loaded.Shared };
    }

    /// <summary>Whether the policy keeps such a value at all.</summary>
    public bool IsKept(CacheRegion region, string name, LoadRequest request, Loaded loaded)
    {
        if (loaded.Payload.Length > options.MaxValueBytes)
        {
            region.RememberLarge(name, state.Clock);
            return false;
        }

        return !loaded.IsTransient && (!loaded.IsNegative || request.Policy.Negative is not null);
    }
}
