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
            Scale = service.Scale with { Max = service.Scale.Most, Every = service.Scale.Interval, Out = service.Scale.Outward, In = service.Scale.Inward },
        }),
        Stores = Each(guide.Stores, store => store with
        {
            Memory = store.MemoryLimit,
            Pool = store.Connections,
            Replicas = store is { Replicas: 0, Scale: { } scale } ? scale.Min : store.Replicas,
            Scale = store.Scale is { Rules: var rules } written ? written with { Max = rules.Max, Out = rules.Out, In = rules.In } : null,
            ReplicaLag = store.ReplicaLag ?? (store.Engine == StoreEngine.Postgres ? TimeSpan.FromSeconds(1) : null),
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
        Cache = Each(guide.Cache, policy => policy with { L1Ttl = policy.L1Ttl ?? policy.Ttl }),
        Warm = Each(guide.Warm, warmup => warmup with { Service = warmup.Service ?? (guide.Services.Count == 1 ? guide.Services.Keys.First() : null) }),
        Queues = Each(guide.Queues, queue => queue with
        {
            Backoff = queue.Backoff with { Exponential = queue.Backoff.Exponential ?? (queue.Backoff.Fixed is null ? TimeSpan.FromSeconds(2) : null) },
            Store = guide.StoreOf(queue),
        }),
        RateLimits = Each(guide.RateLimits, limit => Resolve(limit, guide)),
    };

    private static RateLimit Resolve(RateLimit limit, SystemGuide guide)
    {
        var at = limit.At ?? (limit.By == "user" ? RateLimitPlace.App : RateLimitPlace.Gateway);
        // One gateway, but as many processes of the app as its services may have: all their shares together are the limit.
        var processes = at == RateLimitPlace.Gateway ? 1 : Math.Max(1, guide.Services.Values.Sum(service => (long)service.Scale.Peak));
        return limit with
        {
            At = at,
            Burst = limit.Burst ?? limit.Limit,
            Store = limit.Store ?? guide.Stores.Where(store => store.Value.Engine == StoreEngine.Redis).Select(store => store.Key).FirstOrDefault(),
            Insurance = limit.Insurance ?? new Percentage(1.0 / processes),
        };
    }

    private static IReadOnlyDictionary<string, T> Each<T>(IReadOnlyDictionary<string, T> items, Func<T, T> resolve) =>
        new ReadOnlyDictionary<string, T>(new OrderedDictionary<string, T>(items.Select(i => KeyValuePair.Create(i.Key, resolve(i.Value))), StringComparer.Ordinal));
}
