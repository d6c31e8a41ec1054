using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Tenfold.Caching.Metrics;
using Tenfold.Redis;

namespace Tenfold.Caching.TestHost;

/// <summary>One process of the coherence test: random reads, writes, invalidations of keys and of tags; writes down what happened.</summary>
public sealed class CacheNode(int node, string redis, string sourceFile, string historyFile, bool coherent, TimeSpan bound, int seed) : IAsyncDisposable
{
    /// <summary>With fewer reads a history says nothing: a node goes on until it has them.</summary>
    public const int LeastReads = 1000;

    private static readonly TimeSpan MostExtraTime = TimeSpan.FromMinutes(1);

    private const int Tags = 4;
    private const int FirstPut = 48; // keys from here on are written by putting the value, each by one process

    private readonly SharedSource _source = new(sourceFile);
    private readonly ConcurrentQueue<HistoryEvent> _history = new();
    private readonly TenfoldCache _cache = new(
        new CacheOptions { System = "history", Coherent = coherent, PropagationBound = bound, MemoryBytes = 1 << 20, RedisTimeout = TimeSpan.FromMilliseconds(250) },
        new Dictionary<string, CachePolicy>
        {
            ["short"] = new() { Ttl = TimeSpan.FromMilliseconds(700), Stale = TimeSpan.FromSeconds(20), Eager = 0.6, Throttle = TimeSpan.FromMilliseconds(50), HardTimeout = TimeSpan.FromSeconds(2) },
            ["long"] = new() { Ttl = TimeSpan.FromHours(1), HardTimeout = TimeSpan.FromSeconds(2) },
        },
        RedisOptions.Parse(redis));

    private readonly SemaphoreSlim _puts = new(1, 1);
    private long _loads;
    private int _reads;

    public Task Ready => _cache.Ready;

    public IReadOnlyList<CacheCounts> Counts => _cache.Counts;

    /// <summary>For the time, and on a busy machine for longer.</summary>
    public async Task RunAsync(int workers, TimeSpan time)
    {
        using var stop = new CancellationTokenSource(time);
        using var giveUp = new CancellationTokenSource(time + MostExtraTime);
        await Task.WhenAll(Enumerable.Range(0, workers).Select(worker => Task.Run(() => WorkAsync(new Random(seed + (worker * 7919)), stop.Token, giveUp.Token))));
        await File.WriteAllLinesAsync(historyFile, _history.Select(one => one.ToString()), CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _cache.DisposeAsync();
        _puts.Dispose();
        _source.Dispose();
    }

    private async Task WorkAsync(Random random, CancellationToken stop, CancellationToken giveUp)
    {
        while (!stop.IsCancellationRequested || (Volatile.Read(ref _reads) < LeastReads && !giveUp.IsCancellationRequested))
        {
            var key = random.Next(8) == 0 ? random.Next(SharedSource.Keys) : random.Next(SharedSource.Keys / 4) * 4; // some are hot
            switch (random.Next(1000))
            {
                case < 12:
                    await WriteAsync(key);
                    break;
                case < 14:
                    await InvalidateTagAsync(random.Next(Tags));
                    break;
                default:
                    await ReadAsync(key, random.Next());
                    break;
            }

            if (random.Next(4) == 0)
            {
                await Task.Delay(random.Next(1, 4), CancellationToken.None);
            }
        }
    }

    private PolicyCache Of(int key) => _cache.For(key % 2 == 0 ? "short" : "long");

    private static string Name(int key) => $"key {key}";

    private async Task ReadAsync(int key, int seedOfLoad)
    {
        var begin = Now();
        string value;
        try
        {
            value = await Of(key).GetOrCreateAsync(
                Name(key), (Node: this, Key: key, Seed: seedOfLoad), static (load, cancel) => load.Node.LoadAsync(load.Key, load.Seed, cancel), tags: [$"tag {key % Tags}"]);
        }
        catch (InvalidOperationException)
        {
            return; // the load failed and nothing could stand in
        }
        catch (TimeoutException)
        {
            return;
        }

        Interlocked.Increment(ref _reads);
        var parts = value.Split(' ');
        _history.Enqueue(new HistoryEvent('R', node, key, begin, Now(), Number(parts[0]), Number(parts[1])));

        static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
    }

    /// <summary>Reads the source first and then takes its time: the worst that a load can do.</summary>
    private async ValueTask<string> LoadAsync(int key, int seedOfLoad, CancellationToken cancel)
    {
        var random = new Random(seedOfLoad);
        var (begin, version, load) = (Now(), _source.Read(key), NextLoad());
        await Task.Delay(random.Next(10) == 0 ? random.Next(20, 120) : random.Next(1, 8), cancel);
        if (random.Next(12) == 0)
        {
            throw new InvalidOperationException("this load fails");
        }

        _history.Enqueue(new HistoryEvent('L', node, key, begin, Now(), version, load));
        return string.Create(CultureInfo.InvariantCulture, $"{version} {load}");
    }

    private async Task WriteAsync(int key)
    {
        if (key >= FirstPut)
        {
            if (key % 4 != node)
            {
                return;
            }

            // One after the other: which of two at the same time wins is not the cache's to say.
            await _puts.WaitAsync();
            try
            {
                var (put, changed, load) = (Now(), _source.Advance(key), NextLoad());
                await Of(key).SetAsync(Name(key), string.Create(CultureInfo.InvariantCulture, $"{changed} {load}"), tags: [$"tag {key % Tags}"]);
                await AcknowledgedAsync(new HistoryEvent('I', node, key, put, 0, changed, load), told: true);
            }
            finally
            {
                _puts.Release();
            }

            return;
        }

        var version = _source.Advance(key);
        var begin = Now();
        var told = await Of(key).InvalidateAsync(Name(key));
        await AcknowledgedAsync(new HistoryEvent('I', node, key, begin, 0, version, 0), told);
    }

    private async Task InvalidateTagAsync(int tag)
    {
        var keys = Enumerable.Range(0, SharedSource.Keys).Where(key => key % Tags == tag).ToArray();
        var versions = keys.Select(key => key < FirstPut ? _source.Advance(key) : _source.Read(key)).ToArray();
        var begin = Now();
        var told = await _cache.InvalidateTagAsync($"tag {tag}");
        foreach (var (key, version) in keys.Zip(versions))
        {
            await AcknowledgedAsync(new HistoryEvent('I', node, key, begin, 0, version, 0), told);
        }
    }

    private async Task AcknowledgedAsync(HistoryEvent invalidation, bool told)
    {
        if (told && _cache.PendingInvalidations == 0)
        {
            _history.Enqueue(invalidation with { End = Now() });
            return;
        }

        // Redis is away: it counts from when Redis has been told.
        var waited = Stopwatch.StartNew();
        while (_cache.PendingInvalidations > 0 && waited.Elapsed < TimeSpan.FromSeconds(30))
        {
            await Task.Delay(2);
        }

        if (_cache.PendingInvalidations == 0)
        {
            _history.Enqueue(invalidation with { End = Now() });
        }
    }

    private long NextLoad() => ((long)node << 48) | Interlocked.Increment(ref _loads);

    private static long Now() => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));
}
