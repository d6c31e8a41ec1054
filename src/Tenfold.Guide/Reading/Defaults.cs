using System.Collections.ObjectModel;

namespace Tenfold.Guide.Reading;

/// <summary>Fills in the defaults that depend on other values, as the records tell them. All others stand in their initialisers.</summary>
internal static class Defaults
{
    /// <summary>A full copy: nothing downstream needs to know a default.</summary>
    public static SystemGuide Resolve(SystemGuide guide) => guide with
    {
        Services = Each(guide.Services, service => service with
        {
            Scale = service.Scale with { Max = service.Scale.Most },
        }),
        Stores = Each(guide.Stores, store => store with
        {
            Memory = store.MemoryLimit,
            Pool = store.Connections,
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
