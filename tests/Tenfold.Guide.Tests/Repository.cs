namespace Tenfold.Guide.Tests;

/// <summary>Where this checkout is.</summary>
internal static class Repository
{
    public static string Root { get; } = Find(AppContext.BaseDirectory);

    /// <summary>Every guide of the repository.</summary>
    public static string[] Guides() =>
        [.. new[] { "systems", "bench" }
            .Select(folder => Path.Combine(Root, folder))
            .Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "tenfold.yaml", SearchOption.AllDirectories))
            .Where(file => !file.Contains("/bin/", StringComparison.Ordinal) && !file.Contains("/node_modules/", StringComparison.Ordinal)),
            .. Directory.EnumerateFiles(Path.Combine(Root, "docs", "scaling"), "*.yaml")];

    private static string Find(string folder) =>
        File.Exists(Path.Combine(folder, "Tenfold.slnx")) ? folder : Find(Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("no Tenfold.slnx above the tests"));
}
