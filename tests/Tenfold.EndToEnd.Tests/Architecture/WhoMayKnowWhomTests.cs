using System.Xml.Linq;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Architecture;

/// <summary>DESIGN's rules on who may know whom, read from the project references.</summary>
public sealed class WhoMayKnowWhomTests
{
    private enum Area
    {
        Guide,
        Kit,
        Engine,
        Cli,
        Systems,
    }

    // What each area may reference beside itself.
    private static readonly Dictionary<Area, Area[]> Allowed = new()
    {
        [Area.Guide] = [],
        [Area.Kit] = [Area.Guide, Area.Kit],
        [Area.Engine] = [Area.Guide, Area.Engine],
        [Area.Cli] = [Area.Guide, Area.Engine],
        [Area.Systems] = [Area.Kit, Area.Systems],
    };

    // docs/decisions/005: rate limits are decided in the app and at the entrance, by the same code. These know nothing of HTTP servers.
    private static readonly (string Project, string Reference)[] Exceptions =
    [
        ("Tenfold.Gateway", "Tenfold.Redis"),
        ("Tenfold.Gateway", "Tenfold.RateLimiting"),
    ];

    // The command may know this much of the kit: `tenfold shards` and `tenfold jobs` show and change what the app's own code reads and writes.
    private static readonly (string Project, string Reference)[] CliExceptions = [("Tenfold.Cli", "Tenfold.Postgres"), ("Tenfold.Cli", "Tenfold.Jobs")];

    // Inside the engine: libraries with no knowledge of the parts above them.
    private static readonly Dictionary<string, string[]> AllowedInEngine = new(StringComparer.Ordinal)
    {
        ["Tenfold.Wire"] = [],
        ["Tenfold.Gateway"] = ["Tenfold.Guide", "Tenfold.Wire", "Tenfold.Redis", "Tenfold.RateLimiting"],
        ["Tenfold.Load"] = ["Tenfold.Guide", "Tenfold.Wire"],
        ["Tenfold.Runtime"] = ["Tenfold.Guide", "Tenfold.Wire", "Tenfold.Gateway", "Tenfold.Scaling"],
        ["Tenfold.Scaling"] = ["Tenfold.Guide"],
    };

    [Fact]
    public void Every_project_references_only_what_its_area_may_know()
    {
        var wrong = from project in Projects()
                    from reference in References(project)
                    where !Allowed[AreaOf(project)].Contains(AreaOf(reference)) && !Exceptions.Concat(CliExceptions).Contains((Name(project), Name(reference)))
                    select $"{Name(project)} ({AreaOf(project)}) knows {Name(reference)} ({AreaOf(reference)})";

        Assert.Empty(wrong);
    }

    [Fact]
    public void The_exceptions_are_used_and_know_no_http_server()
    {
        var projects = Projects().ToDictionary(Name, StringComparer.Ordinal);
        Assert.All(Exceptions, pair => Assert.Contains(pair.Reference, References(projects[pair.Project]).Select(Name)));
        foreach (var reference in Exceptions.Select(pair => pair.Reference).Distinct(StringComparer.Ordinal))
        {
            var known = References(projects[reference]).Select(Name);
            Assert.Empty(known.Except(["Tenfold.Guide", "Tenfold.Redis"]));
            var files = Directory.EnumerateFiles(Path.GetDirectoryName(projects[reference])!, "*.cs", SearchOption.AllDirectories).Where(file => !file.Contains("/obj/", StringComparison.Ordinal));
            Assert.All(files, file => Assert.DoesNotContain("Microsoft.AspNetCore", File.ReadAllText(file), StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Every_engine_project_references_only_what_is_below_it()
    {
        var engine = Projects().Where(p => AreaOf(p) == Area.Engine).ToList();
        Assert.NotEmpty(engine);

        Assert.All(engine, project => Assert.Empty(References(project).Select(Name).Except(AllowedInEngine[Name(project)])));
    }

    [Fact]
    public void A_rule_stands_for_every_project_of_the_source_tree() =>
        Assert.All(Projects(), project => Assert.True(Enum.IsDefined(AreaOf(project))));

    [Fact]
    public void Every_source_project_has_its_test_project()
    {
        var missing = Projects()
            .Where(p => AreaOf(p) != Area.Systems)
            .Select(p => Path.Combine(Repository.Root, "tests", $"{Name(p)}.Tests", $"{Name(p)}.Tests.csproj"))
            .Where(p => !File.Exists(p));

        Assert.Empty(missing);
    }

    private static List<string> Projects()
    {
        var found = new[] { "src", "systems" }
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.csproj", SearchOption.AllDirectories))
            .ToList();
        Assert.True(found.Count >= 7, "the source tree was not found");
        return found;
    }

    private static IEnumerable<string> References(string project) =>
        XDocument.Load(project).Descendants("ProjectReference")
            .Select(r => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(project)!, r.Attribute("Include")!.Value)));

    private static string Name(string project) => Path.GetFileNameWithoutExtension(project);

    private static Area AreaOf(string project)
    {
        var parts = Path.GetRelativePath(Repository.Root, project).Split(Path.DirectorySeparatorChar);
        return parts switch
        {
            ["src", "Tenfold.Guide", ..] => Area.Guide,
            ["src", "kit", ..] => Area.Kit,
            ["src", "engine", ..] => Area.Engine,
            ["src", "Tenfold.Cli", ..] => Area.Cli,
            ["systems", ..] => Area.Systems,
            _ => throw new InvalidOperationException($"{project} stands in no area that DESIGN knows."),
        };
    }
}
