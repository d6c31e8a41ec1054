using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tenfold.Caching.Coherence;
using Tenfold.Caching.Entries;
using Tenfold.Caching.Loading;
using Tenfold.Caching.Memory;
using Tenfold.Caching.Metrics;
using Tenfold.Caching.Values;
using Tenfold.Redis;

namespace Tenfold.Caching;

/// <summary>
/// The cache of a process: memory (L1) over Redis (L2), coherent between all processes on the same Redis. Make one, and take a
/// <see cref="PolicyCache"/> from it for each kind of value. Without Redis it is a cache of this process alone. Thread-safe.
/// </summary>
public sealed class TenfoldCache : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, PolicyCache> _byPolicy = new(StringComparer.Ordinal);
    private readonly IReadOnlyDictionary<string, CachePolicy> _policies;
    private readonly CacheOptions _options;
    private readonly CacheState _state;
    private readonly CacheEngine _engine;
    private readonly CacheWriter _writer;
    private readonly Serializers _serializers;
    private readonly CacheMetrics _metrics;
    private readonly ILogger _logger;
    private readonly RedisClient? _client;
    private readonly Keeper? _keeper;

    /// <param name="options">Bounds and names.</param>
    /// <param name="policies">By name: lower-case letters, digits and dashes.</param>
    /// <param name="redis">Where L2 is; null for a cache of this process alone. Connections are made in the background: an absent server is no error.</param>
    /// <param name="services">Where serializers are looked for.</param>
    /// <param name="time">Default: the system's.</param>
    /// <param name="random">For jitter. Default: a new one.</param>
    /// <param name="logs">Default: none.</param>
    /// <exception cref="ArgumentException">An option or policy is out of range; the message names it.</exception>
    public TenfoldCache(
        CacheOptions options,
        IReadOnlyDictionary<string, CachePolicy>? policies = null,
        RedisOptions? redis = null,
        IServiceProvider? services = null,
        TimeProvider? time = null,
        Random? random = null,
        ILoggerFactory? logs = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        (_options, _policies) = (options.Checked(), policies ?? new Dictionary<string, CachePolicy>());
        var clock = new Clock(time ?? TimeProvider.System);
        random ??= new Random();
        _logger = (logs ?? NullLoggerFactory.Instance).CreateLogger<TenfoldCache>();
        _serializers = new Serializers(services);
        foreach (var (name, policy) in _policies)
        {
            CacheRegion.CheckName(name);
            policy.Checked(name);
        }

        var memory = new MemoryTier(options.MemoryBytes);
        _state = new CacheState(
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)),
            new RedisKeys($"tf1:{options.System}"),
            redis is null ? Lease.Forever() : new Lease(),
            new Journal(options.JournalSize),
            new TagTable(options.MaxTags, local: redis is null, memory.TagsInUse),
            memory,
            clock);
        _metrics = new CacheMetrics(_state, () => IsCoherent);
        RedisTier? tier = null;
        LoadLocks? locks = null;
        if (redis is not null)
        {
            _client = new RedisClient(Suited(redis, options), time, logs);
            var tracker = new MemoryTracker(_state, options, () => _keeper?.Kick());
            _client.Track(tracker);
            var breaker = new Breaker(options.BreakAfter, options.BreakFor, clock.Time);
            locks = new LoadLocks(_client, _state, breaker);
            tier = new RedisTier(_client, tracker, options, _state, breaker, locks, random);
            _keeper = new Keeper(_client, redis.Topology == RedisTopology.Cluster, tier, _state, options, _logger);
        }

        var maker = new EntryMaker(options, _state, random);
        _writer = new CacheWriter(_state, tier, maker);
        _engine = new CacheEngine(options, _state, tier, maker, new Finder(options, _state, tier, locks, maker, _logger), _logger);
        foreach (var (name, policy) in _policies)
        {
            Add(name, policy);
        }

        Default = _byPolicy.TryGetValue("default", out var given) ? given : Add("default", options.DefaultPolicy);
        _keeper?.Start();
    }

    /// <summary>The policy <c>default</c>: that of the options, if no policy is called so.</summary>
    public PolicyCache Default { get; }

    /// <summary>Completes when Redis can be used for the first time; at once where there is none.</summary>
    public Task Ready => _keeper?.Ready ?? Task.CompletedTask;

    /// <summary>Whether Redis is in use now. While it is not, values stay in this process for no longer than the bound on propagation.</summary>
    public bool IsCoherent => _keeper is null || (_state.Journal.IsOpen && _state.Lease.Holds(_state.Clock.Now));

    /// <summary>Whether it was made without Redis.</summary>
    public bool IsLocal => _keeper is null;

    /// <summary>Memory held, in bytes.</summary>
    public long MemoryBytes => _state.Memory.Weight;

    /// <summary>Entries in memory.</summary>
    public int MemoryEntries => _state.Memory.Count;

    /// <summary>Entries that memory had no room for, since the start.</summary>
    public long Evictions => _state.Memory.Evictions;

    /// <summary>Invalidations that Redis does not know of yet.</summary>
    public int PendingInvalidations => _state.Journal.Count;

    /// <summary>The bound on propagation: see <see cref="CacheOptions.PropagationBound"/>.</summary>
    public TimeSpan PropagationBound => _options.PropagationBound;

    /// <summary>What happened since the start, by policy.</summary>
    public IReadOnlyList<CacheCounts> Counts => [.. _byPolicy.Keys.Order(StringComparer.Ordinal).Select(name => _state.Regions[_byPolicy[name].Partition].Counters.Read(name))];

    /// <summary>The cache for the keys of a policy.</summary>
    /// <exception cref="ArgumentException">There is no such policy.</exception>
    public PolicyCache For(string policy) => _byPolicy.TryGetValue(policy, out var cache)
        ? cache
        : throw new ArgumentException($"There is no cache policy '{policy}'; there are: {string.Join(", ", _byPolicy.Keys.Order(StringComparer.Ordinal))}.", nameof(policy));

    /// <summary>Invalidates every entry under the tag, of every policy, on every node; <c>*</c> is everything.</summary>
    /// <returns>See <see cref="PolicyCache.InvalidateAsync"/>.</returns>
    public ValueTask<bool> InvalidateTagAsync(string tag, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(tag);
        cancellationToken.ThrowIfCancellationRequested();
        return _writer.InvalidateTagAsync(KeyNames.Of(tag));
    }

    public async ValueTask DisposeAsync()
    {
        _metrics.Dispose();
        if (_keeper is not null)
        {
            await _keeper.DisposeAsync();
        }

        if (_client is not null)
        {
            await _client.DisposeAsync();
        }
    }

    private PolicyCache Add(string name, CachePolicy policy)
    {
        var region = new CacheRegion(name, policy, _state.Memory.AddPartition());
        _state.Regions[region.Partition] = region;
        return _byPolicy[name] = new PolicyCache(this, _engine, _writer, region, _serializers, _logger);
    }

    /// <summary>One connection, whose silence is noticed within the bound: the lease rests on it.</summary>
    private static RedisOptions Suited(RedisOptions redis, CacheOptions options) => redis with
    {
        ConnectionsPerNode = 1,
        CommandTimeout = options.RedisTimeout,
        ConnectWait = TimeSpan.Zero,
        PingInterval = options.PropagationBound / 4,
        StuckAfter = options.PropagationBound * 2,
        MaxBackoff = redis.MaxBackoff > TimeSpan.FromMilliseconds(500) ? TimeSpan.FromMilliseconds(500) : redis.MaxBackoff,
    };
}
