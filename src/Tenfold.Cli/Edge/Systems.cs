using System.CommandLine;
using Tenfold.Guide;
using Tenfold.Guide.Reading;
using Tenfold.Guide.Validation;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Edge;

/// <summary>A system and the file of its guide.</summary>
internal sealed record LocatedGuide(SystemGuide Guide, string File);

/// <summary>What the argument SYSTEM means.</summary>
internal static class Systems
{
    public static Argument<string> Argument() => new("SYSTEM") { Description = "A system's name (rez), or the path of its guide or of the folder with it" };

    public static Option<bool> JsonOption() => new("--json") { Description = "Print JSON" };

    /// <summary>Reads the guide.</summary>
    /// <exception cref="UsageException">There is none of this name, or it has errors: all of them, one a line.</exception>
    public static LocatedGuide Read(Shell shell, string system)
    {
        var (file, result) = Find(shell, system);
        return result.Guide is { } guide
            ? new LocatedGuide(guide, Path.GetFullPath(file, shell.Folder))
            : throw new UsageException($"{Count(result.Errors.Count)} in the guide of {system}:\n{string.Join('\n', result.Errors)}");
    }

    /// <summary>The state of a system. For one whose guide is gone or broken by now, the name still finds what it left.</summary>
    /// <exception cref="UsageException">There is neither a guide nor a state of this name.</exception>
    public static SystemState State(Shell shell, string system)
    {
        if (!system.Contains('/', StringComparison.Ordinal) && !system.StartsWith('.')
            && SystemState.Of(system, shell.Environment) is { IsThere: true } state)
        {
            return state;
        }

        return SystemState.Of(Read(shell, system).Guide.System, shell.Environment);
    }

    /// <summary>The guide's file, in the shortest form that names it from the shell's folder, and what reading it came to.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static (string File, GuideResult Result) Find(Shell shell, string system)
    {
        var found = Locate(shell, system);
        var relative = Path.GetRelativePath(shell.Folder, found);
        var shown = relative.StartsWith("..", StringComparison.Ordinal) ? found : relative;
        var result = GuideReader.Read(found, shell.Environment);
        return (shown, result with { Errors = [.. result.Errors.Select(error => error with { File = shown })] });
    }

    private static string Locate(Shell shell, string system)
    {
        var found = GuideLocator.Find(system, shell.Folder, shell.Repository);
        if (found is not null)
        {
            return found;
        }

        var available = Available(shell);
        throw new UsageException(available.Count == 0
            ? $"no system '{system}': there is no systems/{system}/{GuideLocator.FileName} here or above, and no such file or folder"
            : $"no system '{system}'{Suggestion.Among(system, available, "systems here")}");
    }

    public static string Count(int errors) => errors == 1 ? "1 error" : $"{errors} errors";

    private static List<string> Available(Shell shell)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        for (var at = Path.GetFullPath(shell.Folder); at is not null; at = Path.GetDirectoryName(at))
        {
            AddFrom(at);
        }

        if (shell.Repository is { } repository)
        {
            AddFrom(repository);
        }

        return [.. names];

        void AddFrom(string root)
        {
            var folder = Path.Combine(root, "systems");
            if (Directory.Exists(folder))
            {
                names.UnionWith(Directory.EnumerateDirectories(folder)
                    .Where(one => File.Exists(Path.Combine(one, GuideLocator.FileName)))
                    .Select(one => Path.GetFileName(one)));
            }
        }
    }
}
