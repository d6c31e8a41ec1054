using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

internal static class CacheRules
{
    private const int MostTags = 32;

    public static void Check(SystemGuide guide, Findings findings)
    {
        foreach (var (name, policy) in guide.Cache)
        {
            var path = ItemPath.Of("cache", name);
            Names.Check(path, name, findings);
            if (findings.IsReadable(path))
            {
                Times(path, policy, findings);
                Tags(path, policy, findings);
                Vary($"{path}.http.vary", policy.Http.Vary, findings);
            }
        }

        Store(guide, findings);
        foreach (var (name, warmup) in guide.Warm)
        {
            var path = ItemPath.Of("warm", name);
            Names.Check(path, name, findings);
            if (findings.IsReadable(path))
            {
                Warm(path, warmup, guide, findings);
            }
        }
    }

    private static void Times(string path, CachePolicy policy, Findings findings)
    {
        Order.Check(path, [("l1-ttl", policy.L1Ttl), ("ttl", policy.Ttl)], findings);
        Order.Check(path, [("soft-timeout", policy.SoftTimeout), ("hard-timeout", policy.HardTimeout)], findings);
        if (policy.SoftTimeout is not null && policy.Stale == TimeSpan.Zero && findings.IsReadable($"{path}.stale"))
        {
            findings.Add($"{path}.soft-timeout", "serves a stale value, and none is kept; give stale, or remove it");
        }
    }

    private static void Tags(string path, CachePolicy policy, Findings findings)
    {
        if (policy.Tags.Count > MostTags)
        {
            findings.Add($"{path}.tags", $"has {policy.Tags.Count} tags; allowed: at most {MostTags}");
        }

        for (var i = 0; i < policy.Tags.Count; i++)
        {
            var item = ItemPath.Of($"{path}.tags", i);
            if (policy.Tags[i] is "" or "*")
            {
                findings.Add(item, $"'{policy.Tags[i]}' is no tag; * is everything already");
            }

            Texts.OneLine(item, policy.Tags[i], findings);
        }
    }

    private static void Vary(string path, IReadOnlyList<string> headers, Findings findings)
    {
        for (var i = 0; i < headers.Count; i++)
        {
            var item = ItemPath.Of(path, i);
            if (!Names.HttpToken().IsMatch(headers[i]) || headers[i] == "*")
            {
                findings.Add(item, $"'{headers[i]}' is no header name; allowed: letters, digits and !#$%&'*+-.^_`|~");
            }
            else if (headers.Take(i).Contains(headers[i], StringComparer.OrdinalIgnoreCase))
            {
                findings.Add(item, $"the header {headers[i]} is given twice");
            }
        }
    }

    /// <summary>Instances tell each other what has changed through a Redis, and there is one cache.</summary>
    private static void Store(SystemGuide guide, Findings findings)
    {
        if (guide.Cache.Count == 0 || !findings.IsReadable("stores") || guide.Stores.Keys.Any(name => !findings.IsReadable(ItemPath.Of("stores", name) + ".engine")))
        {
            return;
        }

        var redis = guide.Stores.Where(store => store.Value.Engine == StoreEngine.Redis).Select(store => store.Key).ToArray();
        if (redis.Length == 0)
        {
            findings.Add("cache", "needs a store of engine redis, through which instances tell each other what has changed");
        }
        else if (redis.Length > 1 && !redis.Contains(SystemGuide.CacheStoreName))
        {
            findings.Add("cache", $"there are {redis.Length} stores of engine redis ({string.Join(", ", redis)}); call the one for the cache '{SystemGuide.CacheStoreName}'");
        }
    }

    private static void Warm(string path, Warmup warmup, SystemGuide guide, Findings findings)
    {
        if (warmup.Requests.Count == 0 && findings.IsReadable($"{path}.requests"))
        {
            findings.Add($"{path}.requests", "is empty; give at least one path");
        }

        for (var i = 0; i < warmup.Requests.Count; i++)
        {
            var item = ItemPath.Of($"{path}.requests", i);
            if (findings.IsReadable(item))
            {
                Texts.Path(item, warmup.Requests[i], findings);
            }
        }

        if (!warmup.OnStart && warmup.Every is null && findings.IsReadable($"{path}.every") && findings.IsReadable($"{path}.on-start"))
        {
            findings.Add(path, "is never done; give every, or leave on-start true");
        }

        if (warmup.Service is { } service && !guide.Services.ContainsKey(service))
        {
            findings.Add($"{path}.service", $"there is no service '{service}'{Suggestion.Among(service, [.. guide.Services.Keys])}");
        }
        else if (warmup.Service is null && guide.Services.Count > 1)
        {
            findings.Add($"{path}.service", $"is missing; there are several services: {string.Join(", ", guide.Services.Keys)}");
        }
    }
}
