using Tenfold.Runtime.Build;

namespace Tenfold.Runtime.Tests.Build;

public sealed class FingerprintTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _project;

    public FingerprintTests()
    {
        _folder.Write("Directory.Packages.props", "<Project/>");
        _folder.Write("lib/Lib.csproj", "<Project/>");
        _folder.Write("lib/Lib.cs", "class Lib;");
        _project = _folder.Write("app/App.csproj", """<Project><ItemGroup><ProjectReference Include="..\lib\Lib.csproj" /></ItemGroup></Project>""");
        _folder.Write("app/Program.cs", "return 0;");
        _folder.Write("app/tenfold.yaml", "system: app");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Unchanged_sources_have_the_same_fingerprint_whatever_their_times()
    {
        var before = Of();
        File.SetLastWriteTimeUtc(_folder["app/Program.cs"], new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.Equal(before, Of());
        Assert.Equal(16, before.Length);
    }

    [Theory]
    [InlineData("app/Program.cs")]
    [InlineData("app/deep/New.cs")]
    [InlineData("app/schema/001.sql")]
    [InlineData("lib/Lib.cs")]
    [InlineData("lib/Lib.csproj")]
    [InlineData("Directory.Packages.props")]
    [InlineData("Directory.Build.props")]
    public void A_changed_or_new_input_changes_it(string file)
    {
        var before = Of();
        _folder.Write(file, "<Project><!-- changed --></Project>");
        Assert.NotEqual(before, Of());
    }

    [Theory]
    [InlineData("app/bin/Release/App.dll")]
    [InlineData("app/obj/project.assets.json")]
    [InlineData("app/node_modules/x/index.js")]
    [InlineData("app/.vs/state")]
    [InlineData("app/tenfold.yaml")]
    [InlineData("other/Other.cs")]
    public void What_no_build_reads_does_not(string file)
    {
        var before = Of();
        _folder.Write(file, "changed");
        Assert.Equal(before, Of());
    }

    [Fact]
    public void A_deleted_file_and_another_runtime_change_it()
    {
        var before = Of();
        Assert.NotEqual(before, Fingerprint.Of(_project, "11.0.0 linux-x64"));
        File.Delete(_folder["lib/Lib.cs"]);
        Assert.NotEqual(before, Of());
    }

    [Fact]
    public void A_missing_reference_is_named()
    {
        File.Delete(_folder["lib/Lib.csproj"]);
        var error = Assert.Throws<RuntimeException>(Of);
        Assert.Contains("lib/Lib.csproj, which is not there", error.Message, StringComparison.Ordinal);
    }

    private string Of() => Fingerprint.Of(_project, "10.0.0 linux-x64");
}
