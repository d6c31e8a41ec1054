using System.Net;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

internal static class RateLimitRules
{
    private const int Most = 32;
    private const string Header = "header:";
    private static readonly string[] Words = ["address", "user", "api-key", "route", "header:NAME"];

    public static void Check(SystemGuide guide, Findings findings)
    {
        if (guide.RateLimits.Count > Most)
        {
            findings.Add("rate-limits", $"has {guide.RateLimits.Count} limits; allowed: at most {Most}");
        }

        foreach (var (name, limit) in guide.RateLimits)
        {
            var path = ItemPath.Of("rate-limits", name);
            Names.Check(path, name, findings);
            if (findings.IsReadable(path))
            {
                Rate(path, limit, findings);
                By(path, limit, findings);
                Networks.Check($"{path}.except", limit.Except, findings);
                Routes(path, limit, guide, findings);
                Store(path, limit, guide, findings);
                Together(path, limit, guide, findings);
            }
        }
    }

    private static void Rate(string path, RateLimit limit, Findings findings)
    {
        if (!findings.IsReadable($"{path}.limit") || !findings.IsReadable($"{path}.per"))
        {
            return;
        }

        if (limit.Limit / limit.Per.TotalSeconds > 100_000)
        {
            findings.Add($"{path}.limit", $"{limit.Limit:#,0} in {Duration.Format(limit.Per)} is more than 100,000 a second; allowed: at most that");
        }
        else if (findings.IsReadable($"{path}.burst") && limit.Per.TotalDays * (limit.Burst ?? limit.Limit) / limit.Limit > 366)
        {
            findings.Add($"{path}.burst", "takes longer than 366 days to be earned back; take a smaller burst, or a higher limit");
        }
    }

    private static void By(string path, RateLimit limit, Findings findings)
    {
        if (!findings.IsReadable($"{path}.by"))
        {
            return;
        }

        var by = limit.By;
        if (!by.StartsWith(Header, StringComparison.Ordinal) && !Words.Contains(by))
        {
            findings.Add($"{path}.by", $"unknown value '{by}'{Suggestion.Among(by, Words)}");
        }
        else if (by.StartsWith(Header, StringComparison.Ordinal) && !Names.HttpToken().IsMatch(by[Header.Length..]))
        {
            findings.Add($"{path}.by", $"'{by[Header.Length..]}' is no header name; expected header:NAME, such as header:X-Tenant");
        }
        else if (by == "user" && limit.At == RateLimitPlace.Gateway)
        {
            findings.Add($"{path}.at", "the gateway does not know users; with by: user it is at: app (the default), or take by: header:NAME");
        }
    }

    private static void Routes(string path, RateLimit limit, SystemGuide guide, Findings findings)
    {
        var known = guide.Gateway.Routes.Count > 0 && Enumerable.Range(0, guide.Gateway.Routes.Count)
            .All(i => findings.IsReadable($"{ItemPath.Of("gateway.routes", i)}.path") && findings.IsReadable($"{ItemPath.Of("gateway.routes", i)}.methods"));
        for (var i = 0; i < limit.Routes.Count; i++)
        {
            var (item, filter) = (ItemPath.Of($"{path}.routes", i), limit.Routes[i]);
            if (!findings.IsReadable(item))
            {
                continue;
            }

            if (limit.Routes.Take(i).Contains(filter))
            {
                findings.Add(item, $"{filter} is given twice");
            }
            else if (known && !guide.Gateway.Routes.Any(route => route.Path.Overlaps(filter.Path) && (route.Methods.Count == 0 || route.Methods.Any(filter.TakesMethod))))
            {
                findings.Add(item, $"no route of the gateway takes {filter}");
            }
        }
    }

    private static void Store(string path, RateLimit limit, SystemGuide guide, Findings findings)
    {
        if (!findings.IsReadable("stores") || guide.Stores.Keys.Any(name => !findings.IsReadable($"{ItemPath.Of("stores", name)}.engine")))
        {
            return;
        }

        string[] redis = [.. guide.Stores.Where(store => store.Value.Engine == StoreEngine.Redis).Select(store => store.Key)];
        if (redis.Length == 0)
        {
            findings.Add(path, "needs a Redis to count in; add one, such as: stores: { cache: { engine: redis } }");
        }
        else if (!findings.IsWritten($"{path}.store") && redis.Length > 1)
        {
            findings.Add(path, $"needs a store; the guide has several Redis: {string.Join(", ", redis)}");
        }
        else if (limit.Store is { } store && !redis.Contains(store))
        {
            findings.Add($"{path}.store", $"there is no Redis '{store}'{Suggestion.Among(store, redis, "the guide has")}");
        }
    }

    private static void Together(string path, RateLimit limit, SystemGuide guide, Findings findings)
    {
        if (findings.IsWritten($"{path}.store") && limit.Store is { } store && guide.RateLimits.Values.FirstOrDefault(other => other.Store is not null) is { } first && first.Store != store)
        {
            findings.Add($"{path}.store", $"another rate limit counts in '{first.Store}'; all of them count in one Redis, so that a request is decided under all at once");
        }
    }
}

/// <summary>Lists of networks in CIDR notation.</summary>
internal static class Networks
{
    public static void Check(string path, IReadOnlyList<string> networks, Findings findings)
    {
        for (var i = 0; i < networks.Count; i++)
        {
            if (!IPNetwork.TryParse(networks[i], out _))
            {
                findings.Add(ItemPath.Of(path, i), IPAddress.TryParse(networks[i], out var address)
                    ? $"'{networks[i]}' is no network; did you mean '{networks[i]}/{address.GetAddressBytes().Length * 8}'?"
                    : $"'{networks[i]}' is no network; allowed: an address and a prefix length with no bits set after it, such as 10.0.0.0/8");
            }
        }
    }
}
