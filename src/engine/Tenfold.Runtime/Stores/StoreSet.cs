using System.Runtime.ExceptionServices;
using Tenfold.Guide;
using Tenfold.Runtime.Processes;
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
    private readonly IReadOnlyDictionary<string, SupervisedServer> _servers;

    private StoreSet(IReadOnlyDictionary<string, SupervisedServer> servers) => _servers = servers;

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
        var servers = guide.Stores.ToDictionary(one => one.Key, one => Server(one.Key, one.Value, guide, state, options), StringComparer.Ordinal);
        var set = new StoreSet(servers);
        try
        {
            // Programs first, one after the other: apt-get does not run twice at once.
            foreach (var server in servers.Values)
            {
                await server.PrepareAsync(cancel);
            }

            await StartAllAsync(servers.Values, cancel);
            return set;
        }
        catch
        {
            await set.DisposeAsync();
            throw;
        }
    }

    /// <summary>All at once; the first one that fails ends the start of the others, and its reason is the one that is thrown.</summary>
    internal static async Task StartAllAsync(IEnumerable<SupervisedServer> servers, CancellationToken cancel)
    {
        using var others = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Exception? first = null;
        await Task.WhenAll(servers.Select(StartAsync));
        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }

        async Task StartAsync(SupervisedServer server)
        {
            try
            {
                await server.StartAsync(others.Token);
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
    /// How to reach a store: for PostgreSQL Npgsql's key-values over the private Unix socket with the guide's pool sizes,
    /// for Redis <c>redis://:password@127.0.0.1:port</c>. The same for as long as this set lives, whatever crashes.
    /// </summary>
    /// <exception cref="KeyNotFoundException">The guide has no such store.</exception>
    public string ConnectionString(string store) => _servers[store].ConnectionString;

    /// <summary>Every store, in the guide's order.</summary>
    public IReadOnlyList<StoreStatus> Status() => [.. _servers.Values.Select(server => server.Status())];

    /// <summary>Stops all of them at once: PostgreSQL by a fast shutdown, Redis by SIGTERM; what does not stop in time is killed. May be called twice.</summary>
    public Task StopAsync() => Task.WhenAll(_servers.Values.Select(server => server.StopAsync()));

    /// <inheritdoc cref="StopAsync"/>
    public async ValueTask DisposeAsync() => await Task.WhenAll(_servers.Values.Select(server => server.DisposeAsync().AsTask()));

    private static SupervisedServer Server(string name, Store store, SystemGuide guide, SystemState state, StoreOptions options)
    {
        IStoreServer server = store.Engine switch
        {
            StoreEngine.Postgres => new PostgresStore(name, guide, state, options),
            StoreEngine.Redis => new RedisStore(name, guide, state, options),
            _ => throw new RuntimeException(RuntimeFailure.Guide, $"stores.{name}: engine {store.Engine} cannot be run here"),
        };
        return new SupervisedServer(server, state, options, RestartPolicy.Store);
    }
}
