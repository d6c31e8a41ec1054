using Tenfold.Runtime.Build;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Tests.Build;

public sealed class ProjectBuildTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Suite", "soak")] // six builds; in ./test, the end-to-end tests build rez, and FingerprintTests tell what is built again
    public async Task A_project_is_published_once_for_each_state_of_its_sources()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        _folder.Write("app/app.csproj", """
            <Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><OutputType>Exe</OutputType><TargetFramework>net10.0</TargetFramework></PropertyGroup></Project>
            """);
        _folder.Write("app/Program.cs", "return 0;");
        var state = SystemState.At(_folder["state/shop"], "shop");
        state.Create();
        var project = ProjectBuild.Locate("api", "app", _folder.Path);

        var first = await ProjectBuild.PublishAsync("api", project, state, TimeProvider.System, limit.Token);
        Assert.True(first.WasBuilt);
        Assert.True(File.Exists(first.Assembly));
        Assert.False(Directory.Exists(_folder["app/obj"]), "the checkout was written to");
        Assert.Equal(first with { WasBuilt = false }, await ProjectBuild.PublishAsync("api", project, state, TimeProvider.System, limit.Token));

        _folder.Write("app/Program.cs", "return nil;");
        var error = await Assert.ThrowsAsync<RuntimeException>(() => ProjectBuild.PublishAsync("api", project, state, TimeProvider.System, limit.Token));
        Assert.Equal(RuntimeFailure.Guide, error.Failure);
        Assert.Contains("Program.cs(1,8): error CS0103", error.Message, StringComparison.Ordinal);

        _folder.Write("app/Program.cs", "return 0;");
        Assert.False((await ProjectBuild.PublishAsync("api", project, state, TimeProvider.System, limit.Token)).WasBuilt);
    }

    [Fact]
    public async Task Another_build_is_not_waited_for_for_ever()
    {
        var state = SystemState.At(_folder["state/shop"], "shop");
        state.Create();
        using (await ProjectBuild.TakeTurnAsync(state, TimeProvider.System, CancellationToken.None))
        {
            var error = await Assert.ThrowsAsync<RuntimeException>(() => ProjectBuild.TakeTurnAsync(state, new HastyClock(), CancellationToken.None));
            Assert.Contains(_folder["state/build.lock"], error.Message, StringComparison.Ordinal);
        }

        (await ProjectBuild.TakeTurnAsync(state, new HastyClock(), CancellationToken.None)).Dispose();
    }

    /// <summary>Ten minutes pass between any two looks at it.</summary>
    private sealed class HastyClock : TimeProvider
    {
        private long _looks;

        public override long GetTimestamp() => Interlocked.Increment(ref _looks) * TimestampFrequency * 600;
    }

    [Fact]
    public void A_folder_without_or_with_several_projects_is_refused_by_name()
    {
        _folder.Write("none/readme", "");
        _folder.Write("two/a.csproj", "");
        _folder.Write("two/b.csproj", "");
        Assert.Contains("services.api.project: no .csproj file in", Assert.Throws<RuntimeException>(() => ProjectBuild.Locate("api", "none", _folder.Path)).Message, StringComparison.Ordinal);
        Assert.Contains("2 .csproj files", Assert.Throws<RuntimeException>(() => ProjectBuild.Locate("api", "two", _folder.Path)).Message, StringComparison.Ordinal);
    }
}
