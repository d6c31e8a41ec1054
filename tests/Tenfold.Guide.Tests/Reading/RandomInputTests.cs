using FsCheck;
using FsCheck.Fluent;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Tests.Reading;

/// <summary>Whatever the input: a guide without errors or errors without a guide, never an exception.</summary>
public sealed class RandomInputTests
{
    private static readonly Gen<string> Fragments = Gen.Elements(
        "system: a\n", "services:\n", "  api:\n", "    command: [a]\n", "\t", " ", "\n", "- ", "? ", ": ", "&a ", "*a", "<<: *a\n", "{", "}", "[", "]", ",", "'", "\"", "|\n", ">\n",
        "!!str ", "!", "%YAML 1.2\n", "---\n", "...\n", "#", "${A}", "${", "$${", "\\x41", "\\UFFFFFFFF", "\\uD800", "\0", "\u0085", "\uFEFF", "\uD800", "é", "😀", "stores: {", "gateway: ",
        "routes: ", "load:\n", "stages: ", "scenario: ", "get: /", "null", "~", "5s", "-1", "1e999", "0x1", "{{id}}", "x-a: ");

    [Fact]
    public void Random_YAML_is_read_or_refused() =>
        Check(Fragments.ListOf().Select(parts => string.Concat(parts.Take(60))), 1000);

    [Fact]
    public void A_guide_with_damage_is_read_or_refused() => Check(
        from edits in Gen.Choose(0, Samples.EveryKey.Length - 1).SelectMany(at => Fragments.SelectMany(text => Gen.Choose(0, 12).Select(cut => (At: at, Text: text, Cut: cut)))).ListOf()
        select edits.Take(5).Aggregate(Samples.EveryKey, (yaml, e) => yaml[..Math.Min(e.At, yaml.Length)] + e.Text + yaml[Math.Min(e.At + e.Cut, yaml.Length)..]),
        400);

    [Fact]
    public void Swapped_lines_are_read_or_refused()
    {
        var lines = Samples.EveryKey.Split('\n');
        Check(
            from a in Gen.Choose(0, lines.Length - 1)
            from b in Gen.Choose(0, lines.Length - 1)
            from indent in Gen.Choose(0, 8)
            select string.Join('\n', lines.Select((line, i) => i == a ? lines[b] : i == b ? new string(' ', indent) + lines[a].TrimStart() : line)),
            200);
    }

    private static void Check(Gen<string> inputs, int tests) => Prop.ForAll(inputs.ToArbitrary(), yaml =>
    {
        var result = GuideReader.Parse(yaml, "g", name => name == "A" ? "*a: [" : null);
        return result.Guide is null == result.Errors.Count > 0
            && result.Errors.All(e => e.Line >= 1 && e.Column >= 1 && e.Message.Length > 0 && !e.ToString().Contains('\n', StringComparison.Ordinal));
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(tests));
}
