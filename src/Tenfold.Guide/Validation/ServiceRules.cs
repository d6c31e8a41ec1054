using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

internal static class ServiceRules
{
    public static void Check(SystemGuide guide, Findings findings)
    {
        foreach (var (name, service) in guide.Services)
        {
            var path = ItemPath.Of("services", name);
            Names.Check(path, name, findings);
            if (guide.Services.Keys.FirstOrDefault(other => Names.IsInstanceOf(name, other)) is { } twin)
            {
                findings.AddToKey(path, $"'{name}' is what an instance of {twin} is called; take another name");
            }

            Program(path, service, findings);
            Variables(path, guide, service, findings);
            ScaleRules.Check(name, service, guide, findings);
            Texts.Path($"{path}.health.path", service.Health.Path, findings);
        }
    }

    private static void Program(string path, Service service, Findings findings)
    {
        var (project, command) = (findings.IsWritten($"{path}.project"), findings.IsWritten($"{path}.command"));
        if (project == command)
        {
            findings.Add(path, project
                ? "has both a project and a command; keep one"
                : "needs a project (a folder with a .csproj) or a command (program and arguments)");
        }

        if (service.Project is { } folder && string.IsNullOrWhiteSpace(folder))
        {
            findings.Add($"{path}.project", "is empty; name a folder, such as .");
        }

        if (service.Command is { } words && (words.Count == 0 || string.IsNullOrWhiteSpace(words[0])))
        {
            findings.Add($"{path}.command", "is empty; name a program and its arguments, such as [node, server.js]");
        }

        if (service.Seed is { Count: 0 })
        {
            findings.Add($"{path}.seed", "is empty; give the arguments, or remove the key");
        }
    }

    private static void Variables(string path, SystemGuide guide, Service service, Findings findings)
    {
        foreach (var name in service.Environment.Keys)
        {
            var item = $"{path}.environment.{name}";
            if (!Names.EnvironmentVariable().IsMatch(name))
            {
                findings.AddToKey(item, $"'{name}' is not a name of an environment variable; allowed: letters, digits, _ . and -, not a digit first");
            }
            else if (IsOfTheContract(name, guide))
            {
                findings.AddToKey(item, $"{name} is set by tenfold itself; remove it");
            }
        }
    }

    private static bool IsOfTheContract(string name, SystemGuide guide) =>
        name is "PORT" or "ASPNETCORE_URLS"
        || name.StartsWith("TENFOLD_", StringComparison.Ordinal)
        || guide.Stores.Keys.Any(store => string.Equals(name, $"ConnectionStrings__{store}", StringComparison.OrdinalIgnoreCase));
}
