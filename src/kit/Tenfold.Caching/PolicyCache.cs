using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Logging;
using Tenfold.Caching.Coherence;
using Tenfold.Caching.Entries;
using Tenfold.Caching.Loading;
using Tenfold.Caching.Values;

namespace Tenfold.Caching;

/// <summary>
/// The framework's <see cref="HybridCache"/> for the keys of one policy, and what it lacks: values as the bytes that are sent,
/// and invalidations that say whether Redis has acknowledged them. Get it from <see cref="TenfoldCache.For"/>. Thread-safe.
/// </summary>
/// <remarks>
/// A read never fails because Redis does; it fails when the load fails and no stale value may stand in. Keys may hold anything.
/// The same key under another policy is another entry. Strings, plain values and types marked <c>[ImmutableObject(true)]</c> are
/// handed out as one shared object, everything else is read from its bytes for each caller.
/// </remarks>
public sealed class PolicyCache : HybridCache
{
    private readonly CacheEngine _engine;
    private readonly CacheWriter _writer;
    private readonly CacheRegion _region;
    private readonly TenfoldCache _cache;
    private readonly Serializers _serializers;
    private readonly ILogger _logger;
    private readonly string[] _tags;

    internal PolicyCache(TenfoldCache cache, CacheEngine engine, CacheWriter writer, CacheRegion region, Serializers serializers, ILogger logger)
    {
        (_cache, _engine, _writer, _region, _serializers, _logger) = (cache, engine, writer, region, serializers, logger);
        _tags = TagTable.Names(region.Policy.Tags, null);
    }

    /// <summary>The policy's name.</summary>
    public string Name => _region.Name;

    internal string Partition => _region.Partition;

    /// <summary>How entries are kept.</summary>
    public CachePolicy Policy => _region.Policy;

    /// <inheritdoc/>
    /// <remarks>
    /// A hit in memory allocates nothing. <paramref name="options"/> replace the policy's lifetimes for the entry that this call makes.
    /// With one of the flags for the distributed cache the value stays in this process, for no longer than the bound on propagation.
    /// </remarks>
    /// <exception cref="TimeoutException">The load took longer than the policy's hard timeout.</exception>
    public override ValueTask<T> GetOrCreateAsync<TState, T>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<T>> factory, HybridCacheEntryOptions? options = null, IEnumerable<string>? tags = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(factory);
        if (!Has(options, HybridCacheEntryFlags.DisableLocalCacheRead) && TryFresh(key, out var entry, out var late) && TryRead<T>(entry, out var value))
        {
            _region.Counters.MemoryHits.Add();
            if (late && entry.ClaimRefresh())
            {
                _engine.Refresh(_region, KeyNames.Of(key), entry, Request(state, factory, options, tags, entry.Version.ToArray()));
            }

            return new ValueTask<T>(value!);
        }

        return ReadAsync(KeyNames.Of(key), state, factory, options, tags, cancellationToken);
    }

    /// <summary>As <c>GetOrCreateAsync</c>, for values that are bytes: the entry's payload is what the load made. A hit in memory allocates nothing.</summary>
    /// <param name="key">Any text.</param>
    /// <param name="state">Given to <paramref name="load"/>.</param>
    /// <param name="load">Makes the bytes. It may outlive the caller, and serves everybody who waits for the key.</param>
    /// <param name="tags">Beside those of the policy.</param>
    /// <param name="cancellationToken">Ends the wait of this caller.</param>
    /// <exception cref="TimeoutException">The load took longer than the policy's hard timeout.</exception>
    public ValueTask<CacheEntry> GetEntryAsync<TState>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<Loaded>> load, IEnumerable<string>? tags = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(load);
        if (TryGetEntry(key, out var entry, out var refresh))
        {
            if (refresh)
            {
                RefreshInBackground(key, entry, state, load, tags);
            }

            return new ValueTask<CacheEntry>(entry);
        }

        return LoadEntryAsync(KeyNames.Of(key), new BytesRequest<TState>(Policy, Tags(tags), state, load), cancellationToken);
    }

    /// <summary>A value that is in memory and may be served now. Does not allocate, does not load.</summary>
    public bool TryGetEntry(string key, [NotNullWhen(true)] out CacheEntry? entry)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (TryFresh(key, out entry, out _))
        {
            _region.Counters.MemoryHits.Add();
            return true;
        }

        return false;
    }

    /// <summary>As the other one.</summary>
    /// <param name="key">Any text.</param>
    /// <param name="entry">The value.</param>
    /// <param name="refresh">The value is late in its life, as <see cref="CachePolicy.Eager"/> says, and this caller, alone, is to call <see cref="RefreshInBackground"/>.</param>
    public bool TryGetEntry(string key, [NotNullWhen(true)] out CacheEntry? entry, out bool refresh)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (TryFresh(key, out entry, out var late))
        {
            refresh = late && entry.ClaimRefresh();
            _region.Counters.MemoryHits.Add();
            return true;
        }

        refresh = false;
        return false;
    }

    /// <summary>
    /// Waits until this process knows of every invalidation of the key's value that Redis has acknowledged before the call: a read that
    /// follows does not show what was there before, not even for the bound on propagation. For callers that have just written,
    /// on whatever instance. One round trip to Redis; none when memory holds nothing. While Redis is away it does not wait.
    /// </summary>
    public ValueTask ConfirmAsync(string key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        return _engine.ConfirmAsync(_region, KeyNames.Of(key), cancellationToken);
    }

    /// <summary>Begins to load the value anew, which goes on being served; returns at once. A failure is logged.</summary>
    public void RefreshInBackground<TState>(string key, CacheEntry entry, TState state, Func<TState, CancellationToken, ValueTask<Loaded>> load, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(load);
        _engine.Refresh(_region, KeyNames.Of(key), entry, new BytesRequest<TState>(Policy, Tags(tags), state, load) { Refreshes = entry.Version.ToArray() });
    }

    /// <summary>Loads the value anew, in place of one that is fresh: for warming. While another node does the same, the value that is there is the answer.</summary>
    public async ValueTask<CacheEntry> RefreshEntryAsync<TState>(
        string key, TState state, Func<TState, CancellationToken, ValueTask<Loaded>> load, IEnumerable<string>? tags = null, CancellationToken cancellationToken = default)
    {
        var name = KeyNames.Of(key);
        var present = await _engine.ReadAsync(_region, name, new BytesRequest<TState>(Policy, Tags(tags), state, load) { MayLoad = false }, cancellationToken);
        return await LoadEntryAsync(
            name, new BytesRequest<TState>(Policy, Tags(tags), state, load) { Refreshes = present?.Version.ToArray() ?? ReadOnlyMemory<byte>.Empty }, cancellationToken);
    }

    /// <inheritdoc/>
    public override async ValueTask SetAsync<T>(string key, T value, HybridCacheEntryOptions? options = null, IEnumerable<string>? tags = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        var request = Request(value, static (value, _) => ValueTask.FromResult(value), options, tags, default);
        await _writer.SetAsync(_region, KeyNames.Of(key), request, cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>Does not fail when Redis is away: see <see cref="InvalidateAsync"/>.</remarks>
    public override async ValueTask RemoveAsync(string key, CancellationToken cancellationToken = default) => await InvalidateAsync(key, cancellationToken);

    /// <inheritdoc/>
    /// <remarks><c>*</c> is everything. Does not fail when Redis is away: see <see cref="InvalidateTagAsync"/>.</remarks>
    public override async ValueTask RemoveByTagAsync(string tag, CancellationToken cancellationToken = default) => await InvalidateTagAsync(tag, cancellationToken);

    /// <summary>Drops the key's value everywhere, and the value of a load that is on its way.</summary>
    /// <returns>
    /// True: Redis has acknowledged it, and no node serves the old value for longer than the bound on propagation. False: Redis is
    /// away; this node does not serve the old value any more, and tells Redis as soon as it is back.
    /// </returns>
    public ValueTask<bool> InvalidateAsync(string key, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(key);
        cancellationToken.ThrowIfCancellationRequested();
        return _writer.InvalidateAsync(_region, KeyNames.Of(key));
    }

    /// <summary>As <see cref="InvalidateAsync"/>, for every entry under the tag, of every policy. <c>*</c> is everything.</summary>
    public ValueTask<bool> InvalidateTagAsync(string tag, CancellationToken cancellationToken = default) => _cache.InvalidateTagAsync(tag, cancellationToken);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryFresh(string key, [NotNullWhen(true)] out CacheEntry? entry, out bool late) =>
        (!KeyNames.NeedsCare(key) && _engine.TryFresh(_region, key, out entry, out late)) || TryFreshHashed(key, out entry, out late);

    // A long key, or one with a brace, stands under another name. Plain ones, which most are, are not even looked at.
    private bool TryFreshHashed(string key, [NotNullWhen(true)] out CacheEntry? entry, out bool late)
    {
        var name = KeyNames.Of(key);
        if (ReferenceEquals(name, key))
        {
            (entry, late) = (null, false);
            return false;
        }

        return _engine.TryFresh(_region, name, out entry, out late);
    }

    private async ValueTask<T> ReadAsync<TState, T>(
        string name, TState state, Func<TState, CancellationToken, ValueTask<T>> factory, HybridCacheEntryOptions? options, IEnumerable<string>? tags, CancellationToken cancel)
    {
        var entry = await _engine.ReadAsync(_region, name, Request(state, factory, options, tags, default), cancel);
        if (entry is null)
        {
            return default!;
        }

        if (TryRead<T>(entry, out var value))
        {
            return value!;
        }

        // What is stored is not a T: another release's, most likely. It is replaced.
        entry = await _engine.ReadAsync(_region, name, Request(state, factory, options, tags, entry.Version.ToArray()), cancel);
        return entry is not null && TryRead(entry, out value) ? value! : await factory(state, cancel);
    }

    private async ValueTask<CacheEntry> LoadEntryAsync(string name, LoadRequest request, CancellationToken cancel) =>
        (await _engine.ReadAsync(_region, name, request, cancel))!; // null only for requests that may not load

    private TypedRequest<TState, T> Request<TState, T>(
        TState state, Func<TState, CancellationToken, ValueTask<T>> factory, HybridCacheEntryOptions? options, IEnumerable<string>? tags, ReadOnlyMemory<byte> refreshes)
    {
        var policy = Policy;
        if (options?.Expiration is { } ttl)
        {
            policy = (policy with { Ttl = ttl, L1Ttl = null }).Checked(Name);
        }

        if (options?.LocalCacheExpiration is { } local)
        {
            policy = (policy with { L1Ttl = local }).Checked(Name);
        }

        return new TypedRequest<TState, T>(policy, Tags(tags), state, factory, _serializers.For<T>())
        {
            MayLoad = !Has(options, HybridCacheEntryFlags.DisableUnderlyingData),
            PastMemory = Has(options, HybridCacheEntryFlags.DisableLocalCacheRead),
            NotIntoMemory = Has(options, HybridCacheEntryFlags.DisableLocalCacheWrite),
            PastRedis = Has(options, HybridCacheEntryFlags.DisableDistributedCacheRead) || Has(options, HybridCacheEntryFlags.DisableDistributedCacheWrite),
            Refreshes = refreshes,
        };
    }

    private string[] Tags(IEnumerable<string>? tags) => tags is null ? _tags : TagTable.Names(Policy.Tags, tags);

    private bool TryRead<T>(CacheEntry entry, out T? value)
    {
        var shared = entry.Shared;
        if (!typeof(T).IsValueType && shared is not null && shared.GetType() == typeof(T))
        {
            value = Unsafe.As<object, T>(ref shared!); // of exactly this type: the cast is checked already
            return true;
        }

        if (shared is T fitting)
        {
            value = fitting;
            return true;
        }

        return TryDeserialize(entry, out value);
    }

    private bool TryDeserialize<T>(CacheEntry entry, out T? value)
    {
        value = default;
        if (entry.IsNegative)
        {
            return true;
        }

        try
        {
            value = _serializers.For<T>().Deserialize(new ReadOnlySequence<byte>(entry.Payload));
            if (Shareable<T>.Value)
            {
                entry.Shared = value;
            }

            return true;
        }
#pragma warning disable CA1031 // A serializer may throw anything at bytes that are not its own.
        catch (Exception wrong)
#pragma warning restore CA1031
        {
            _logger.LogWarning("An entry of the cache policy '{Policy}' is not a {Type} and is loaded again: {Message}", Name, typeof(T).Name, wrong.Message);
            return false;
        }
    }

    private static bool Has(HybridCacheEntryOptions? options, HybridCacheEntryFlags flag) => options?.Flags is { } flags && (flags & flag) != HybridCacheEntryFlags.None;
}
