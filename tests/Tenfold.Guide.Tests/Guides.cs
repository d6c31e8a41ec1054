using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Tests;

/// <summary>Shortens tests that are about one part of a guide.</summary>
internal static class Guides
{
    /// <summary>A valid guide of two lines, for tests of the other sections.</summary>
    public const string Start = """
        system: shop
        services: { api: { command: [node, server.js] } }

        """;

    public static string[] Errors(string yaml, Func<string, string?>? environment = null) =>
        [.. GuideReader.Parse(yaml, "g", environment ?? (_ => null)).Errors.Select(e => e.ToString())];

    public static SystemGuide Read(string yaml, Func<string, string?>? environment = null)
    {
        var result = GuideReader.Parse(yaml, "/srv/g/tenfold.yaml", environment ?? (_ => null));
        Assert.Empty(result.Errors);
        return result.Guide!;
    }
}
