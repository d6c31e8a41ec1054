using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

internal static class StoreRules
{
    public static void Check(SystemGuide guide, Findings findings)
    {
        foreach (var (name, store) in guide.Stores)
        {
            var path = ItemPath.Of("stores", name);
            Names.Check(path, name, findings);
            if (name == "host" || guide.Services.Keys.Any(service => Names.IsInstanceOf(name, service) || name == $"seed-{service}" || name == $"build-{service}"))
            {
                findings.AddToKey(path, $"'{name}' is what the log of the host, of an instance, a seed or a build is called; take another name");
            }

            if (!findings.IsReadable($"{path}.engine"))
            {
                continue;
            }

            if (store.Engine == StoreEngine.Redis)
            {
                foreach (var key in (ReadOnlySpan<string>)["schema", "cpu", "pool", "replicas", "scale", "synchronous", "shards", "buckets", "replica-lag", "slow-query", "slow-query-analyze", "partitions", "queries"])
                {
                    OnlyForPostgres($"{path}.{key}", findings);
                }
            }

            if (store is { Synchronous: true, Replicas: 0 } && findings.IsReadable($"{path}.replicas"))
            {
                findings.Add($"{path}.synchronous", "needs a replica to wait for; set replicas to 1 or more, or remove it");
            }

            if (store.Buckets < store.Shards && findings.IsReadable($"{path}.shards") && findings.IsReadable($"{path}.buckets"))
            {
                findings.Add($"{path}.{(findings.IsWritten($"{path}.buckets") ? "buckets" : "shards")}", $"{store.Buckets} buckets cannot be spread over {store.Shards} databases; each needs one at least");
            }

            if (store is { SlowQueryAnalyze: true, SlowQuery: null } && findings.IsReadable($"{path}.slow-query"))
            {
                findings.Add($"{path}.slow-query-analyze", "is about queries over slow-query, and there is no such limit; set it, or remove this");
            }

            StoreScaleRules.Check(path, name, store, guide, findings);
            PartitionRules.Check($"{path}.partitions", guide, store, findings);
            QueryRules.Check($"{path}.queries", store, findings);
            if (store.Pool is { } pool && pool.Min > pool.Max && findings.IsReadable($"{path}.pool.max"))
            {
                findings.Add($"{path}.pool.min", $"{pool.Min} is more than max {pool.Max}");
            }

            if (store.Pool is { } times)
            {
                WholeSeconds($"{path}.pool.idle", times.Idle, findings);
                WholeSeconds($"{path}.pool.lifetime", times.Lifetime, findings);
                WholeSeconds($"{path}.pool.wait", times.Wait, findings);
            }
        }
    }

    // Npgsql counts them in seconds.
    private static void WholeSeconds(string path, TimeSpan time, Findings findings)
    {
        if (time.Ticks % TimeSpan.TicksPerSecond != 0 && findings.IsReadable(path))
        {
            findings.Add(path, $"{Duration.Format(time)} is not a whole number of seconds");
        }
    }

    private static void OnlyForPostgres(string path, Findings findings)
    {
        if (findings.IsWritten(path))
        {
            findings.Add(path, "is only for engine postgres; remove it");
        }
    }
}
