using System.Collections.ObjectModel;

namespace Tenfold.Guide.Reading;

/// <summary>Defaults that depend on other values. All others stand in the initialisers of the records.</summary>
internal static class Defaults
{
    private static readonly ByteSize PostgresMemory = ByteSize.FromMebibytes(128);
    private static readonly ByteSize RedisMemory = ByteSize.FromMebibytes(256);

    /// <summary>A full copy: nothing downstream needs to know a default.</summary>
    public static SystemGuide Resolve(SystemGuide guide) => guide with
    {
        Services = Each(guide.Services, service => service with
        {
            Scale = service.Scale with { Max = service.Scale.Max ?? Math.Max(service.Scale.Min, 10) },
        }),
        Stores = Each(guide.Stores, store => store with
        {
            Memory = store.Memory ?? (store.Engine == StoreEngine.Postgres ? PostgresMemory : RedisMemory),
            Pool = store.Pool ?? (store.Engine == StoreEngine.Postgres ? new Pool() : null),
        }),
        Gateway = guide.Gateway with
        {
            Routes =
            [
                .. guide.Gateway.Routes.Select(route => route with
                {
                    FirstByteTimeout = route.FirstByteTimeout ?? route.Timeout,
                    Hash = route.Hash ?? (route.Balance == Balance.ConsistentHash ? "address" : null),
                }),
            ],
        },
    };

    private static IReadOnlyDictionary<string, T> Each<T>(IReadOnlyDictionary<string, T> items, Func<T, T> resolve) =>
        new ReadOnlyDictionary<string, T>(new OrderedDictionary<string, T>(items.Select(i => KeyValuePair.Create(i.Key, resolve(i.Value))), StringComparer.Ordinal));
}
