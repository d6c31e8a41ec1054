using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Tests.Reading;

public sealed class GuideLocatorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_name_is_looked_up_in_the_current_folder_then_above_then_in_the_repository()
    {
        var below = Path.Combine(_folder.Path, "repo", "src", "deep");
        Directory.CreateDirectory(below);
        var own = _folder.Write("elsewhere/systems/rez/tenfold.yaml", "");
        var repository = Path.Combine(_folder.Path, "elsewhere");

        Assert.Equal(own, GuideLocator.Find("rez", below, repository));
        var above = _folder.Write("repo/systems/rez/tenfold.yaml", "");
        Assert.Equal(above, GuideLocator.Find("rez", below, repository));
        var here = _folder.Write("repo/src/deep/systems/rez/tenfold.yaml", "");
        Assert.Equal(here, GuideLocator.Find("rez", below, repository));
    }

    [Fact]
    public void A_path_is_a_file_or_a_folder_with_a_guide()
    {
        var guide = _folder.Write("shop/tenfold.yaml", "");
        var other = _folder.Write("shop/staging.yaml", "");

        Assert.Equal(guide, GuideLocator.Find("shop", _folder.Path, null));
        Assert.Equal(guide, GuideLocator.Find("./shop", _folder.Path, null));
        Assert.Equal(guide, GuideLocator.Find("shop/", _folder.Path, null));
        Assert.Equal(guide, GuideLocator.Find(".", Path.Combine(_folder.Path, "shop"), null));
        Assert.Equal(guide, GuideLocator.Find("../shop/tenfold.yaml", Path.Combine(_folder.Path, "shop"), null));
        Assert.Equal(other, GuideLocator.Find("staging.yaml", Path.Combine(_folder.Path, "shop"), null));
        Assert.Equal(other, GuideLocator.Find(other, "/", null));
    }

    [Fact]
    public void A_system_wins_over_a_folder_of_the_same_name()
    {
        var folder = _folder.Write("shop/tenfold.yaml", "");
        var system = _folder.Write("systems/shop/tenfold.yaml", "");

        Assert.Equal(system, GuideLocator.Find("shop", _folder.Path, null));
        Assert.Equal(folder, GuideLocator.Find("./shop", _folder.Path, null));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nothing")]
    [InlineData("./nothing")]
    [InlineData("no\0thing")]
    [InlineData("empty")]
    public void What_is_not_there_is_null(string name)
    {
        Directory.CreateDirectory(Path.Combine(_folder.Path, "empty"));

        Assert.Null(GuideLocator.Find(name, _folder.Path, _folder.Path));
    }
}
