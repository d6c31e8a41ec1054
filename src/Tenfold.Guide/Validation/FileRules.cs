using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Validation;

/// <summary>What the guide names on disk is there.</summary>
internal static class FileRules
{
    public static void Check(SystemGuide guide, Findings findings)
    {
        foreach (var (name, service) in guide.Services)
        {
            if (service.Project is { Length: > 0 } project)
            {
                Project($"services.{name}.project", project, guide.Folder, findings);
            }
        }

        foreach (var (name, store) in guide.Stores)
        {
            if (store.Schema is { } schema && !Directory.Exists(Path.Combine(guide.Folder, schema)))
            {
                findings.Add($"stores.{name}.schema", $"there is no folder '{schema}' beside the guide");
            }
        }

        if (guide.Gateway.Tls is { } tls)
        {
            Exists("gateway.tls.certificate", tls.Certificate, guide.Folder, findings);
            Exists("gateway.tls.key", tls.Key, guide.Folder, findings);
        }
    }

    private static void Project(string path, string project, string folder, Findings findings)
    {
        var full = Path.Combine(folder, project);
        if (project.EndsWith(".csproj", StringComparison.OrdinalIgnoreCase))
        {
            Exists(path, project, folder, findings);
        }
        else if (!Directory.Exists(full))
        {
            findings.Add(path, $"there is no folder '{project}' beside the guide");
        }
        else
        {
            var projects = Directory.GetFiles(full, "*.csproj");
            if (projects.Length != 1)
            {
                findings.Add(path, projects.Length == 0
                    ? $"the folder '{project}' holds no .csproj"
                    : $"the folder '{project}' holds {projects.Length} .csproj files; name one of them");
            }
        }
    }

    private static void Exists(string path, string file, string folder, Findings findings)
    {
        if (!File.Exists(Path.Combine(folder, file)))
        {
            findings.Add(path, $"there is no file '{file}' beside the guide");
        }
    }
}
