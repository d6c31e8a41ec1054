using System.Runtime.ExceptionServices;
using Tenfold.Guide;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>All stores of a system, running. Thread-safe.</summary>
/// <remarks>
/// The caller holds the system's <see cref="HostLock"/>, or is the only user of the state folder (a test):
/// <code>
/// var state = SystemState.At(folder, guide.System);
/// await using var stores = await StoreSet.StartAsync(guide, state, new StoreOptions { Durable = false }, cancel);
/// await using var source = NpgsqlDataSource.Create(stores.ConnectionString("main"));
/// </code>
/// </remarks>
public sealed class StoreSet : IAsyncDisposable
{
    private readonly IReadOnlyDictionary<string, IRunningStore> _stores;

    private StoreSet(IReadOnlyDictionary<string, IRunningStore> stores) => _stores = stores;

    /// <summary>
    /// Starts every store of the guide, all at once, and returns when all answer: programs are installed, data is made on
    /// first use, what a crash has left is cleared.
    /// </summary>
    /// <exception cref="RuntimeException">
    /// One of them cannot be started: <see cref="RuntimeFailure.Machine"/> when the machine lacks something,
    /// <see cref="RuntimeFailure.Failed"/> when the server does not come up. The others are not waited for; none is left running.
    /// </exception>
    public static async Task<StoreSet> StartAsync(SystemGuide guide, SystemState state, StoreOptions options, CancellationToken cancel)
    {
        state.Create();
        var stores = new OrderedDictionary<string, IRunningStore>(guide.Stores.Select(one => KeyValuePair.Create(one.Key, Store(one.Key, one.Value, guide, state, options))), StringComparer.Ordinal);
        var set = new StoreSet(stores);
        try
        {
            // Programs first, one after the other: apt-get does not run twice at once.
            foreach (var store in stores.Values)
            {
                await store.PrepareAsync(cancel);
            }

            await StartAllAsync(stores.Values.Select(store => (Func<CancellationToken, Task>)store.StartAsync), cancel);
            return set;
        }
        catch
        {
            await set.DisposeAsync();
            throw;
        }
    }

    /// <summary>All at once; the first one that fails ends the start of the others, and its reason is the one that is thrown.</summary>
    internal static async Task StartAllAsync(IEnumerable<Func<CancellationToken, Task>> starts, CancellationToken cancel)
    {
        using var others = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Exception? first = null;
        await Task.WhenAll(starts.Select(StartAsync));
        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }

        async Task StartAsync(Func<CancellationToken, Task> start)
        {
            try
            {
                await start(others.Token);
            }
#pragma warning disable CA1031 // The first one is thrown above; what the others meet while they are stopped is a consequence of it.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Interlocked.CompareExchange(ref first, e, null);
                await others.CancelAsync();
            }
        }
    }

    /// <summary>
    /// How to reach a store, or the first of its databases: for PostgreSQL Npgsql's key-values with the guide's pool sizes, over the
    /// private Unix socket, or with replicas over TCP with all servers as <c>Host</c>; for Redis
    /// <c>redis://:password@127.0.0.1:port</c>. The same for as long as this set lives, whatever crashes.
    /// </summary>
    /// <exception cref="KeyNotFoundException">The guide has no such store.</exception>
    public string ConnectionString(string store) => _stores[store].ConnectionStrings[0].Value;

    /// <summary>How to reach every database of a store, by the names that instances know them by: <c>main</c>, <c>main_1</c>, <c>main_2</c>.</summary>
    /// <exception cref="KeyNotFoundException">The guide has no such store.</exception>
    public IReadOnlyList<KeyValuePair<string, string>> ConnectionStrings(string store) => _stores[store].ConnectionStrings;

    /// <summary>The databases of every PostgreSQL, with how to work in them as the superuser.</summary>
    public IReadOnlyList<DatabaseAccess> Databases() =>
    [
        .. _stores.Values.OfType<PostgresStore>().SelectMany(store => store.Databases.Select(database => new DatabaseAccess
        {
            Store = store.Name,
            Number = database.Plan.Number,
            Name = database.Name,
            ConnectionString = database.PresentConnectionString,
            AdminConnectionString = database.Primary.Node.AdminString(database.Plan.Guide.System),
        })),
    ];

    /// <summary>Starts the databases that a store has in a changed guide and did not have so far, while everything runs on.</summary>
    /// <param name="store">The store.</param>
    /// <param name="changed">The guide as it is now.</param>
    /// <param name="prepare">Called with the connection string of each new one, before it counts as there.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>Names of the new ones.</returns>
    /// <exception cref="RuntimeException">There is no such PostgreSQL, the guide has fewer databases than run, or one cannot be started.</exception>
    public async Task<IReadOnlyList<string>> GrowAsync(string store, SystemGuide changed, Func<string, string, Task> prepare, CancellationToken cancel)
    {
        if (_stores.GetValueOrDefault(store) is not PostgresStore postgres || !changed.Stores.ContainsKey(store))
        {
            throw new RuntimeException(RuntimeFailure.Guide, $"there is no running PostgreSQL '{store}' that the guide has, too");
        }

        var added = await postgres.GrowAsync(changed, database => prepare(database.Name, database.ConnectionString), cancel);
        return [.. added.Select(database => database.Name)];
    }

    /// <summary>Sets how many replicas each database of a store has from now on, and returns when it is so: those that come follow, those that leave are gone.</summary>
    /// <param name="store">The store.</param>
    /// <param name="count">How many.</param>
    /// <param name="report">Gets what happens meanwhile.</param>
    /// <param name="cancel">Ends the wait; they come and go all the same.</param>
    /// <exception cref="RuntimeException">There is no such PostgreSQL, or its guide does not let it have so many.</exception>
    public Task ScaleAsync(string store, int count, Action<string> report, CancellationToken cancel) => _stores.GetValueOrDefault(store) is PostgresStore postgres
        ? postgres.ScaleAsync(count, report, cancel)
        : throw new RuntimeException(RuntimeFailure.Guide, $"there is no running PostgreSQL '{store}'");

    /// <summary>The databases whose number of replicas may change.</summary>
    internal IReadOnlyList<PostgresDatabase> Scaled() =>
        [.. _stores.Values.OfType<PostgresStore>().SelectMany(store => store.Databases).Where(database => database.Plan.Settings.Scale is not null)];

    /// <summary>Every server of every store, in the guide's order.</summary>
    public IReadOnlyList<StoreStatus> Status() => [.. _stores.Values.SelectMany(store => store.Status())];

    /// <summary>Stops all of them at once: PostgreSQL by a fast shutdown, Redis by SIGTERM; what does not stop in time is killed. May be called twice.</summary>
    public Task StopAsync() => Task.WhenAll(_stores.Values.Select(store => store.StopAsync()));

    /// <inheritdoc cref="StopAsync"/>
    public async ValueTask DisposeAsync() => await Task.WhenAll(_stores.Values.Select(store => store.DisposeAsync().AsTask()));

    private static IRunningStore Store(string name, Store store, SystemGuide guide, SystemState state, StoreOptions options) => store.Engine switch
    {
        StoreEngine.Postgres => new PostgresStore(name, guide, state, options),
        StoreEngine.Redis => new SingleServerStore(new RedisStore(name, guide, state, options), state, options),
        _ => throw new RuntimeException(RuntimeFailure.Guide, $"stores.{name}: engine {store.Engine} cannot be run here"),
    };
}
