using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Tenfold.Runtime.Build;

/// <summary>
/// A name for what a project is built from: its folder, the folders of the projects it references, and the props, targets and
/// package lists above them. Content decides, not times, so a fresh clone of the same sources has the same fingerprint.
/// </summary>
public static class Fingerprint
{
    private const int WholeFile = 1 << 20; // a bigger one (images, data) counts by size and time
    private static readonly string[] LeftOut = ["bin", "obj", "node_modules", "TestResults"];
    private static readonly string[] Above = ["Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props", "global.json", "NuGet.config", "nuget.config", ".editorconfig"];

    /// <summary>The fingerprint, 16 hexadecimal digits.</summary>
    /// <param name="project">Path of a project file.</param>
    /// <param name="builder">What else decides the output: version of the runtime, kind of machine.</param>
    /// <exception cref="RuntimeException">A project file is missing or is not XML.</exception>
    public static string Of(string project, string builder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(builder));
        foreach (var file in Inputs(project))
        {
            Add(hash, Path.GetDirectoryName(Path.GetFullPath(project))!, file);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }

    /// <summary>Every file that the project is built from, sorted.</summary>
    public static IReadOnlyCollection<string> Inputs(string project)
    {
        var projects = new SortedSet<string>(StringComparer.Ordinal);
        AddWithReferences(projects, Path.GetFullPath(project), from: null);

        var files = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var folder in projects.Select(file => Path.GetDirectoryName(file)!).Distinct())
        {
            AddFolder(files, new DirectoryInfo(folder));
            for (var above = folder; above is not null; above = Path.GetDirectoryName(above))
            {
                foreach (var name in Above.Select(name => Path.Combine(above, name)).Where(File.Exists))
                {
                    files.Add(name);
                }
            }
        }

        return files;
    }

    private static void AddWithReferences(SortedSet<string> projects, string project, string? from)
    {
        if (!File.Exists(project))
        {
            throw new RuntimeException(RuntimeFailure.Guide, from is null
                ? $"the project {project} is not there"
                : $"{from} references the project {project}, which is not there");
        }

        if (!projects.Add(project))
        {
            return;
        }

        try
        {
            foreach (var reference in XDocument.Load(project).Descendants().Where(element => element.Name.LocalName == "ProjectReference"))
            {
                // One that is computed ($(...)) is left to dotnet; its folder is then not part of the fingerprint.
                if (reference.Attribute("Include")?.Value is { Length: > 0 } include && !include.Contains("$(", StringComparison.Ordinal))
                {
                    AddWithReferences(projects, Path.GetFullPath(include.Replace('\\', '/'), Path.GetDirectoryName(project)!), project);
                }
            }
        }
        catch (XmlException e)
        {
            throw new RuntimeException(RuntimeFailure.Guide, $"{project}:{e.LineNumber}: not a project file: {e.Message}", e);
        }
    }

    private static void AddFolder(SortedSet<string> files, DirectoryInfo folder)
    {
        foreach (var entry in folder.EnumerateFileSystemInfos())
        {
            if (entry is DirectoryInfo child)
            {
                if (child.Name[0] != '.' && !LeftOut.Contains(child.Name) && child.LinkTarget is null)
                {
                    AddFolder(files, child);
                }
            }
            else if (entry.Name != "tenfold.yaml") // read at run time; a changed budget needs no build
            {
                files.Add(entry.FullName);
            }
        }
    }

    private static void Add(IncrementalHash hash, string folder, string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            return; // a broken link, or deleted meanwhile
        }

        hash.AppendData(Encoding.UTF8.GetBytes(Path.GetRelativePath(folder, path)));
        Span<byte> numbers = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(numbers, file.Length);
        BinaryPrimitives.WriteInt64LittleEndian(numbers[8..], file.Length > WholeFile ? file.LastWriteTimeUtc.Ticks : 0);
        hash.AppendData(numbers);
        if (file.Length <= WholeFile)
        {
            hash.AppendData(File.ReadAllBytes(path));
        }
    }
}
