using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Guide;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Tenfold.AspNetCore.Stores;

/// <summary>
/// One <see cref="ShardedStore"/> for every PostgreSQL that is sharded, keyed by its name; <c>main</c> is also the unkeyed one. They are
/// started with the app, before its own services; one that cannot be for now is tried again, and the instance is not ready meanwhile.
/// </summary>
internal sealed partial class ShardedStores(IEnumerable<ShardedStores.Entry> entries, TimeProvider time, ILogger<ShardedStores> logger) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(3); // then the app starts without, and says that it is not ready

    private readonly Entry[] _entries = [.. entries];
    private readonly CancellationTokenSource _stop = new();
    private Task _starts = Task.CompletedTask;

    public static void Add(IServiceCollection services, PostgresOptions home, IReadOnlyDictionary<int, KeyValuePair<string, string>> others, Store? guide, TenfoldOptions options)
    {
        var name = home.Name;
        var settings = new ShardedStoreOptions { Home = home, Others = others.ToDictionary(other => other.Key, other => other.Value.Value), Scheme = BucketScheme.Hash(guide?.Buckets ?? BucketScheme.Default) };
        settings = options.Sharded.GetValueOrDefault(name)?.Invoke(settings) ?? settings;
        services.AddKeyedSingleton(name, (provider, _) => new ShardedStore(
            settings,
            provider.GetRequiredService<TimeProvider>(),
            new Random(),
            provider.GetRequiredService<ILoggerFactory>(),
            others.Select(other => (other.Key, other.Value.Key)).Prepend((0, name)).ToDictionary(one => one.Item1, one => provider.GetRequiredKeyedService<PostgresStore>(one.Item2))));
        if (PostgresStores.IsMain(name))
        {
            services.AddSingleton(provider => provider.GetRequiredKeyedService<ShardedStore>(name));
        }

        services.AddSingleton(provider => new Entry(provider.GetRequiredKeyedService<ShardedStore>(name)));
        services.AddSingleton(provider => new StoreProbe(name, _ => Task.FromResult(provider.GetRequiredKeyedService<ShardedStore>(name).Map.Epoch), owned: null));
        services.AddHostedService<ShardedStores>();
    }

    /// <summary>The store that <c>NAME_N</c> is a further database of; null when it is a store of its own.</summary>
    public static string? HomeOf(string name, IReadOnlyDictionary<string, string> strings) =>
        name.LastIndexOf('_') is > 0 and var at && int.TryParse(name.AsSpan(at + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? strings.Keys.FirstOrDefault(key => name.AsSpan(0, at).Equals(key, StringComparison.OrdinalIgnoreCase))
            : null;

    /// <summary>Which database of its store a name is.</summary>
    public static int NumberOf(string name) => int.Parse(name.AsSpan(name.LastIndexOf('_') + 1), NumberStyles.None, CultureInfo.InvariantCulture);

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        _starts = Task.WhenAll(_entries.Select(entry => StartAsync(entry.Store, _stop.Token)));
        await Task.WhenAny(_starts, Task.Delay(StartLimit, time, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
        if (_starts.IsFaulted)
        {
            await _starts; // the guide and the databases do not agree: the app does not start
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => _stop.CancelAsync();

    // Before the container disposes of the databases below, in an order of its own.
    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        foreach (var entry in _entries)
        {
            await entry.Store.DisposeAsync();
        }
    }

    public override void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
        base.Dispose();
    }

    /// <summary>What fails here later, fails the app as it would have failed its start.</summary>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => _starts;

    private async Task StartAsync(ShardedStore store, CancellationToken cancel)
    {
        for (var failed = ""; !cancel.IsCancellationRequested;)
        {
            try
            {
                await store.StartAsync(cancel);
                return;
            }
            catch (Exception e) when (e is NpgsqlException or PostgresStoreException or TimeoutException or ShardException { Failure: ShardFailure.Id })
            {
                if (failed != e.Message)
                {
                    LogNotStarted(logger, store.Name, e.Message);
                    failed = e.Message;
                }

                await Task.Delay(Pause, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Sharded store '{Store}' cannot be started yet, and is tried again: {Reason}")]
    private static partial void LogNotStarted(ILogger logger, string store, string reason);

    /// <summary>A store to start.</summary>
    internal sealed record Entry(ShardedStore Store);
}
