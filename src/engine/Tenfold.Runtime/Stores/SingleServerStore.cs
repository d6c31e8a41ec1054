using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>A Redis.</summary>
internal sealed class SingleServerStore(RedisStore redis, SystemState state, StoreOptions options) : IRunningStore
{
    private readonly SupervisedServer _server = new(redis, state, options, Processes.RestartPolicy.Store);

    public string Name => redis.Name;

    public IReadOnlyList<KeyValuePair<string, string>> ConnectionStrings => [KeyValuePair.Create(redis.Name, redis.ConnectionString)];

    public Task PrepareAsync(CancellationToken cancel) => redis.PrepareAsync(cancel);

    public Task StartAsync(CancellationToken cancel) => _server.StartAsync(cancel);

    public Task StopAsync() => _server.StopAsync();

    public IReadOnlyList<StoreStatus> Status() => [_server.Status()];

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
