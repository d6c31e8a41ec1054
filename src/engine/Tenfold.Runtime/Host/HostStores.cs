using Tenfold.Guide;
using Tenfold.Guide.Reading;
using Tenfold.Runtime.Schema;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Host;

/// <summary>The stores of a host: started with their schema, and given more databases while the system runs. Thread-safe once started.</summary>
/// <param name="options">The host's.</param>
/// <param name="steps">Tells what is done.</param>
/// <param name="random">Ports and jitter.</param>
internal sealed class HostStores(HostOptions options, HostSteps steps, Random random) : IAsyncDisposable
{
    private readonly SystemGuide _guide = options.Guide;
    private readonly SemaphoreSlim _growing = new(1);
    private volatile StoreSet? _set;

    /// <summary>Null before they run.</summary>
    public StoreSet? Set => _set;

    /// <summary>How instances reach every database, by name.</summary>
    public Dictionary<string, string> Strings() =>
        new(_guide.Stores.Keys.SelectMany(store => _set?.ConnectionStrings(store) ?? []), StringComparer.Ordinal);

    /// <summary>Starts all stores, and brings their schema to the newest state.</summary>
    public async Task StartAsync(CancellationToken cancel)
    {
        if (_guide.Stores.Count == 0)
        {
            return;
        }

        var how = new StoreOptions { Report = steps.Note, Time = options.Time, Random = random };
        await steps.RunAsync($"stores {string.Join(", ", _guide.Stores.Keys)}", async () => _set = await StoreSet.StartAsync(_guide, options.State, how, cancel));
        foreach (var (name, store) in _guide.Stores)
        {
            if (store.Schema is { } schema)
            {
                foreach (var (database, connectionString) in _set!.ConnectionStrings(name))
                {
                    await steps.RunAsync($"schema of {database}", () => Migrations.ApplyAsync(connectionString, Path.Combine(_guide.Folder, schema), steps.Note, cancel));
                }
            }
        }
    }

    /// <summary>Starts the databases that a store has not yet, by the guide as its file is now.</summary>
    /// <param name="store">The store.</param>
    /// <param name="shards">How many databases it is to have: whoever asks has read the guide in an environment of its own.</param>
    /// <param name="report">Gets each step.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <exception cref="RuntimeException">The guide has errors, it has fewer databases than run, or one cannot be started.</exception>
    public async Task GrowAsync(string store, int shards, Action<string> report, CancellationToken cancel)
    {
        var read = GuideReader.Read(options.GuideFile);
        var file = read.Guide ?? throw new RuntimeException(RuntimeFailure.Guide, $"{options.GuideFile} has errors:\n{string.Join('\n', read.Errors)}");
        if (!file.Stores.TryGetValue(store, out var settings))
        {
            throw new RuntimeException(RuntimeFailure.Guide, $"{options.GuideFile} has no store {store}");
        }

        var changed = file with { Stores = new Dictionary<string, Store>(file.Stores) { [store] = settings with { Shards = shards } } };
        if (!await _growing.WaitAsync(TimeSpan.Zero, cancel))
        {
            throw new RuntimeException(RuntimeFailure.Failed, $"another command grows a store of {_guide.System}; wait until it is done");
        }

        try
        {
            var added = await _set!.GrowAsync(
                store,
                changed,
                async (database, connectionString) =>
                {
                    if (settings.Schema is { } schema)
                    {
                        await Migrations.ApplyAsync(connectionString, Path.Combine(changed.Folder, schema), steps.Note, cancel);
                    }

                    steps.Note($"store {store}: there is one more database: {database}");
                    report($"{database} is ready");
                },
                cancel);
            if (added.Count == 0)
            {
                report($"{store} has all the databases that the guide says");
            }
        }
        finally
        {
            _growing.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_set is not null)
        {
            await _set.DisposeAsync();
        }

        _growing.Dispose();
    }
}
