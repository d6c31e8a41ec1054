namespace Tenfold.EndToEnd.Tests.Support;

/// <summary>The checkout that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Tenfold.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No Tenfold.slnx above {AppContext.BaseDirectory}.");
    }
}
