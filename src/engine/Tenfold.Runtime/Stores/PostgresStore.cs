using Tenfold.Guide;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>A PostgreSQL of the guide: as many databases as it has shards, each with its replicas.</summary>
internal sealed class PostgresStore(string name, SystemGuide guide, SystemState state, StoreOptions options) : IRunningStore
{
    private volatile IReadOnlyList<PostgresDatabase> _databases = [];
    private const int MostShards = 64; // as the guide allows
    private static readonly TimeSpan ScalePoll = TimeSpan.FromMilliseconds(200);
    private readonly Lazy<string> _password = new(() => new StoreFolder(name, state, owner: null).Secret("password"));

    public string Name => name;

    public IReadOnlyList<PostgresDatabase> Databases => _databases;

    public IReadOnlyList<KeyValuePair<string, string>> ConnectionStrings => [.. _databases.Select(database => KeyValuePair.Create(database.Name, database.ConnectionString))];

    public async Task PrepareAsync(CancellationToken cancel)
    {
        var settings = guide.Stores[name];
        CheckNoneIsLeftOut(settings.Shards);
        if (ConnectionBudget.Of(guide, settings, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes).Check(name, settings) is { } warning)
        {
            options.Report(warning);
        }

        var databases = Enumerable.Range(0, settings.Shards).Select(number => Make(number, guide)).ToList();
        _databases = databases;
        await databases[0].PrepareAsync(cancel); // alone: it may install the programs
        await Task.WhenAll(databases.Skip(1).Select(database => database.PrepareAsync(cancel)));
    }

    public Task StartAsync(CancellationToken cancel) => StoreSet.StartAllAsync(_databases.Select(database => (Func<CancellationToken, Task>)database.StartAsync), cancel);

    /// <summary>Starts the databases that this store has in a changed guide and did not have so far; the others are not touched.</summary>
    /// <returns>The new ones.</returns>
    /// <exception cref="RuntimeException">The guide has fewer than run, or one cannot be started: then none is added.</exception>
    public async Task<IReadOnlyList<PostgresDatabase>> GrowAsync(SystemGuide changed, Func<PostgresDatabase, Task> prepare, CancellationToken cancel)
    {
        var (now, wanted) = (_databases.Count, changed.Stores[name].Shards);
        if (wanted < now)
        {
            throw new RuntimeException(RuntimeFailure.Guide, $"stores.{name}.shards: {wanted} are fewer than the {now} databases that run; set it to {now} or more");
        }

        var added = new List<PostgresDatabase>();
        try
        {
            foreach (var number in Enumerable.Range(now, wanted - now))
            {
                var database = Make(number, changed);
                added.Add(database);
                await database.PrepareAsync(cancel);
                await database.StartAsync(cancel);
                await prepare(database);
            }
        }
        catch
        {
            foreach (var database in added)
            {
                await database.DisposeAsync();
            }

            throw;
        }

        _databases = [.. _databases, .. added];
        return added;
    }

    /// <summary>Sets how many replicas each database has from now on, and waits until it is so.</summary>
    /// <exception cref="RuntimeException">The guide does not let them change, or not to that number.</exception>
    public async Task ScaleAsync(int count, Action<string> report, CancellationToken cancel)
    {
        var settings = guide.Stores[name];
        if (settings.Scale is not { Rules: var rules })
        {
            throw new RuntimeException(RuntimeFailure.Guide, $"the replicas of {name} are a fixed number; write stores.{name}.scale into the guide to change it while the system runs");
        }

        if (count < 1 || count > settings.MostReplicas)
        {
            throw new RuntimeException(RuntimeFailure.Guide, $"{name} has 1 to {settings.MostReplicas} replicas, found {count}; more need stores.{name}.scale.max and a new start");
        }

        var seen = "";
        foreach (var database in _databases)
        {
            database.WantedReplicas = count;
        }

        while (true)
        {
            var replicas = Status().Where(server => server.Role == StoreRole.Replica).ToList();
            if (replicas.Count == count * _databases.Count && replicas.TrueForAll(replica => replica is { IsReady: true, Streams: true }))
            {
                return;
            }

            if (_databases.Any(database => database.WantedReplicas != count))
            {
                throw new RuntimeException(RuntimeFailure.Failed, $"{name}: another number of replicas is wanted meanwhile");
            }

            var now = string.Join(", ", replicas.Select(replica => $"{replica.Name} {(replica is { IsReady: true, Streams: true } ? "follows" : replica.Reason ?? "starts")}"));
            if (now != seen)
            {
                seen = now;
                report(now);
            }

            await Task.Delay(ScalePoll, options.Time, cancel);
        }
    }

    public Task StopAsync() => Task.WhenAll(_databases.Select(database => database.StopAsync()));

    public IReadOnlyList<StoreStatus> Status() => [.. _databases.SelectMany(database => database.Status())];

    public async ValueTask DisposeAsync() => await Task.WhenAll(_databases.Select(database => database.DisposeAsync().AsTask()));

    private PostgresDatabase Make(int number, SystemGuide of) => new(new PostgresPlan(name, number, of, state, _password, options));

    // Rows would be out of reach without a word.
    private void CheckNoneIsLeftOut(int shards)
    {
        for (var number = shards; number < MostShards; number++)
        {
            var folder = state.Store(DatabaseNames.Database(name, number));
            if (Directory.Exists(Path.Combine(folder, "data")))
            {
                throw new RuntimeException(
                    RuntimeFailure.Guide,
                    $"stores.{name}.shards: the guide says {shards}, but {folder} holds the data of one more database; set shards to {number + 1} or more, or delete that folder if no buckets are left in it (tenfold shards shows where they are)");
            }
        }
    }
}
