using FsCheck;
using FsCheck.Fluent;

namespace Tenfold.Guide.Tests;

public sealed class PathPatternTests
{
    private static readonly Gen<string> Segment = Gen.Elements("a", "b", "c", "", "a.b", "é");

    private static readonly Gen<PathPattern> Patterns =
        from segments in Gen.Elements("a", "b", "c", "{x}", "{y}").ListOf()
        from rest in Gen.Elements("", "**")
        select PathPattern.Parse('/' + string.Join('/', segments.Take(5).Concat(rest.Length == 0 ? [] : [rest])));

    private static readonly Gen<string> Paths = Segment.ListOf().Select(segments => '/' + string.Join('/', segments.Take(6)));

    [Theory]
    [InlineData("/", "/", true)]
    [InlineData("/", "/a", false)]
    [InlineData("/a", "/a", true)]
    [InlineData("/a", "/a/", false)]
    [InlineData("/a", "/A", false)]
    [InlineData("/a/{id}", "/a/5", true)]
    [InlineData("/a/{id}", "/a/", false)]
    [InlineData("/a/{id}", "/a/5/6", false)]
    [InlineData("/a/{id}/b", "/a/5/b", true)]
    [InlineData("/a/**", "/a", true)]
    [InlineData("/a/**", "/a/", true)]
    [InlineData("/a/**", "/a/b/c", true)]
    [InlineData("/a/**", "/ab", false)]
    [InlineData("/**", "/", true)]
    [InlineData("/**", "", false)]
    [InlineData("/**", "a", false)]
    public void Matches_whole_paths(string pattern, string path, bool expected) =>
        Assert.Equal(expected, PathPattern.Parse(pattern).Matches(path));

    [Theory]
    [InlineData("", "a path begins with '/'")]
    [InlineData("a", "a path begins with '/'")]
    [InlineData("/a?b", "a path pattern has no query, fragment or space")]
    [InlineData("/a b", "a path pattern has no query, fragment or space")]
    [InlineData("/**/a", "'**' stands at the end only; one segment is '{name}'")]
    [InlineData("/a*", "'**' stands at the end only; one segment is '{name}'")]
    [InlineData("/*", "'**' stands at the end only; one segment is '{name}'")]
    [InlineData("/a{b}", "'{name}' stands for a whole segment")]
    [InlineData("/{}", "'{name}' stands for a whole segment")]
    [InlineData("/{a}{b}", "'{name}' stands for a whole segment")]
    public void Says_what_is_wrong(string text, string expected)
    {
        Assert.False(PathPattern.TryParse(text, out _, out var error));
        Assert.Equal(expected, error);
    }

    [Fact]
    public void Matching_is_that_of_a_regular_expression() => Prop.ForAll(Patterns.ToArbitrary(), Paths.ToArbitrary(), (pattern, path) =>
    {
        var text = pattern.ToString();
        var rest = text.EndsWith("**", StringComparison.Ordinal);
        var segments = text[1..].Split('/').Where(s => s != "**").Select(s => s.StartsWith('{') ? "[^/]+" : System.Text.RegularExpressions.Regex.Escape(s));
        var regex = @"\A" + string.Concat(segments.Select(s => "/" + s)) + (rest ? @"(/.*)?\z" : @"\z");
        return pattern.Matches(path) == System.Text.RegularExpressions.Regex.IsMatch(path, text == "/**" ? @"\A/.*\z" : regex, System.Text.RegularExpressions.RegexOptions.Singleline, TimeSpan.FromSeconds(1));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Specificity_is_a_total_order() => Prop.ForAll(Patterns.ToArbitrary(), Patterns.ToArbitrary(), Patterns.ToArbitrary(), (a, b, c) =>
    {
        var (ab, ba, bc, ac) = (Sign(a, b), Sign(b, a), Sign(b, c), Sign(a, c));
        return ab == -ba && Sign(a, a) == 0 && (ab > 0 || bc > 0 || ac <= 0) && (ab != 0 || ac == bc);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Patterns_overlap_exactly_when_a_path_matches_both() => Prop.ForAll(Patterns.ToArbitrary(), Patterns.ToArbitrary(), Paths.ToArbitrary(), (a, b, path) =>
        a.Overlaps(b) == b.Overlaps(a) && (!(a.Matches(path) && b.Matches(path)) || a.Overlaps(b)) && (!a.Overlaps(b) || Witness(a, b))).QuickCheckThrowOnFailure();

    [Fact]
    public void A_literal_stands_before_a_place_and_a_place_before_the_rest()
    {
        PathPattern[] patterns = [.. new[] { "/**", "/a/**", "/{x}", "/a/{x}", "/a/b", "/a" }.Select(PathPattern.Parse)];

        Assert.Equal(["/a/b", "/a/{x}", "/a", "/a/**", "/{x}", "/**"], patterns.Order(Comparer<PathPattern>.Create(PathPattern.CompareSpecificity)).Select(p => p.ToString()));
    }

    private static int Sign(PathPattern a, PathPattern b) => Math.Sign(PathPattern.CompareSpecificity(a, b));

    // Place for place, the literal of either; the longer of the two.
    private static bool Witness(PathPattern a, PathPattern b)
    {
        static string[] Parts(PathPattern p) => [.. p.ToString()[1..].Split('/').Where(s => s != "**")];
        var (x, y) = (Parts(a), Parts(b));
        var path = Enumerable.Range(0, Math.Max(x.Length, y.Length)).Select(i =>
        {
            var (s, t) = (i < x.Length ? x[i] : "{}", i < y.Length ? y[i] : "{}");
            return s.StartsWith('{') ? t.StartsWith('{') ? "z" : t : s;
        });
        var text = '/' + string.Join('/', path);
        return a.Matches(text) && b.Matches(text);
    }
}
