using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

internal static class QueueRules
{
    public static void Check(SystemGuide guide, Findings findings)
    {
        if (guide.Queues.Count == 0)
        {
            return;
        }

        if (guide.Services.Count > 0 && findings.IsReadable("services") && guide.Services.Values.All(service => service.Project is null))
        {
            findings.Add("queues", "are worked on by the instances of .NET services with AddJobs(), and no service has a project; remove them");
            return;
        }

        foreach (var (name, queue) in guide.Queues)
        {
            var path = ItemPath.Of("queues", name);
            Names.Check(path, name, findings);
            if (findings.IsReadable(path))
            {
                Backoff($"{path}.backoff", queue.Backoff, findings);
                PerKey($"{path}.per-key", queue.PerKey, findings);
                Service($"{path}.service", queue.Service, guide, findings);
                Store(path, queue, guide, findings);
            }
        }

        OneStore(guide, findings);
    }

    private static void Backoff(string path, QueueBackoff backoff, Findings findings)
    {
        if (backoff is { Exponential: not null, Fixed: not null })
        {
            findings.Add(path, "has both exponential and fixed; keep one");
        }
        else if (backoff.Fixed is not null && findings.IsWritten($"{path}.most"))
        {
            findings.Add($"{path}.most", "is for pauses that grow, and fixed ones do not; remove it");
        }
        else
        {
            Order.Check(path, [("exponential", backoff.Exponential), ("most", backoff.Most)], findings);
        }
    }

    private static void PerKey(string path, QueueKey? limits, Findings findings)
    {
        if (limits is { Concurrency: null, Rate: null } && findings.IsReadable(path))
        {
            findings.Add(path, "limits nothing; give concurrency or rate, or remove it");
        }
    }

    private static void Service(string path, string? service, SystemGuide guide, Findings findings)
    {
        if (service is null || !findings.IsReadable(path) || !findings.IsReadable("services"))
        {
            return;
        }

        string[] projects = [.. guide.Services.Where(one => one.Value.Project is not null).Select(one => one.Key)];
        if (!guide.Services.ContainsKey(service))
        {
            findings.Add(path, $"there is no service '{service}'{Suggestion.Among(service, projects, "services with a project")}");
        }
        else if (!projects.Contains(service, StringComparer.Ordinal))
        {
            findings.Add(path, $"{service} has no project, and jobs are run by .NET services with AddJobs(); services with a project: {string.Join(", ", projects)}");
        }
    }

    private static void Store(string path, QueuePolicy queue, SystemGuide guide, Findings findings)
    {
        if (!findings.IsReadable($"{path}.store") || !AreReadable(guide, findings))
        {
            return;
        }

        string[] databases = [.. guide.Stores.Where(store => store.Value.Engine == StoreEngine.Postgres).Select(store => store.Key)];
        if (databases.Length == 0)
        {
            findings.Add(path, "needs a store of engine postgres, which its jobs are kept in");
        }
        else if (queue.Store is null && guide.StoreOf(queue) is null)
        {
            findings.Add($"{path}.store", $"is missing; there are several stores of engine postgres: {string.Join(", ", databases)}");
        }
        else if (queue.Store is { } store && !guide.Stores.ContainsKey(store))
        {
            findings.Add($"{path}.store", $"there is no store '{store}'{Suggestion.Among(store, databases, "stores of engine postgres")}");
        }
        else if (queue.Store is { } named && !databases.Contains(named, StringComparer.Ordinal))
        {
            findings.Add($"{path}.store", $"{named} is of engine redis; jobs are kept in a store of engine postgres: {string.Join(", ", databases)}");
        }
    }

    /// <summary>A job is enqueued in the transaction that it belongs to, so an app has its jobs where it has its data.</summary>
    private static void OneStore(SystemGuide guide, Findings findings)
    {
        if (!AreReadable(guide, findings))
        {
            return;
        }

        (string Queue, string Store)? first = null;
        foreach (var (name, queue) in guide.Queues)
        {
            var path = ItemPath.Of("queues", name) + ".store";
            if (!findings.IsReadable(path) || guide.StoreOf(queue) is not { } store || guide.Stores.GetValueOrDefault(store)?.Engine != StoreEngine.Postgres)
            {
                continue;
            }

            first ??= (name, store);
            if (first.Value.Store != store)
            {
                findings.Add(path, $"is {store}, and the jobs of {first.Value.Queue} are in {first.Value.Store}; all queues are in one store");
            }
        }
    }

    private static bool AreReadable(SystemGuide guide, Findings findings) =>
        findings.IsReadable("stores") && guide.Stores.Keys.All(name => findings.IsReadable(ItemPath.Of("stores", name) + ".engine"));
}
