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
            if (!findings.IsReadable($"{path}.engine"))
            {
                continue;
            }

            if (store.Engine == StoreEngine.Redis)
            {
                OnlyForPostgres($"{path}.schema", findings);
                OnlyForPostgres($"{path}.pool", findings);
            }

            if (store.Pool is { } pool && pool.Min > pool.Max && findings.IsReadable($"{path}.pool.max"))
            {
                findings.Add($"{path}.pool.min", $"{pool.Min} is more than max {pool.Max}");
            }
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
