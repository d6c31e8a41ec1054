namespace Tenfold.Guide.Reading;

/// <summary>Finds the guide that a command's argument means.</summary>
public static class GuideLocator
{
    /// <summary>What a guide's file is called.</summary>
    public const string FileName = "tenfold.yaml";

    /// <summary>
    /// A file; a folder with a <c>tenfold.yaml</c>; or a name, which is <c>systems/NAME/tenfold.yaml</c> in the current folder,
    /// in one above it, or in the repository. A name wins over a folder of that name; write <c>./NAME</c> for the folder.
    /// </summary>
    /// <param name="nameOrPath"><c>rez</c>, <c>.</c>, <c>./shop</c>, <c>shop/tenfold.yaml</c>.</param>
    /// <param name="currentFolder">Where relative paths start.</param>
    /// <param name="repositoryRoot">Where Tenfold's own systems are; null when there is no such folder.</param>
    /// <returns>The full path of a file that exists, or null.</returns>
    public static string? Find(string nameOrPath, string currentFolder, string? repositoryRoot)
    {
        if (nameOrPath.Length == 0 || nameOrPath.Contains('\0', StringComparison.Ordinal))
        {
            return null;
        }

        var isName = !nameOrPath.Contains('/', StringComparison.Ordinal) && !nameOrPath.StartsWith('.');
        return (isName ? ByName(nameOrPath, currentFolder, repositoryRoot) : null) ?? ByPath(Path.GetFullPath(nameOrPath, currentFolder));
    }

    private static string? ByName(string name, string currentFolder, string? repositoryRoot)
    {
        var roots = Above(currentFolder);
        return (repositoryRoot is null ? roots : roots.Append(repositoryRoot))
            .Select(root => Path.GetFullPath(Path.Combine(root, "systems", name, FileName)))
            .FirstOrDefault(File.Exists);
    }

    private static string? ByPath(string path)
    {
        var inside = Path.Combine(path, FileName);
        return File.Exists(path) ? path : File.Exists(inside) ? inside : null;
    }

    private static IEnumerable<string> Above(string folder)
    {
        for (var at = Path.GetFullPath(folder); at is not null; at = Path.GetDirectoryName(at))
        {
            yield return at;
        }
    }
}
