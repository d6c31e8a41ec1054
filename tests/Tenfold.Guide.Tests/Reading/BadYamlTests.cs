using System.Text;
using Tenfold.Guide.Reading;

namespace Tenfold.Guide.Tests.Reading;

public sealed class BadYamlTests
{
    public static TheoryData<string, string, string> Whole => new()
    {
        { "empty", "", "g:1:1: the file is empty; a guide begins with 'system: NAME'" },
        { "only a comment", "# nothing\n", "g:1:1: the file is empty; a guide begins with 'system: NAME'" },
        { "null", "~", "g:1:1: the file is empty; a guide begins with 'system: NAME'" },
        { "a list", "[a]", "g:1:1: expected a mapping, found a list; allowed keys: system, services, stores, gateway, rate-limits, cache, warm, queues, budgets, milestones, load" },
        { "a text", "rez", "g:1:1: expected a mapping, found 'rez'; allowed keys: system, services, stores, gateway, rate-limits, cache, warm, queues, budgets, milestones, load" },
        { "a tab", "system: shop\nservices:\n\tapi: {}\n", "g:3:1: a tab indents this line; YAML indents with spaces" },
        { "a tab after spaces", "system: shop\nservices:\n  api:\n  \t  command: [a]\n", "g:4:3: a tab indents this line; YAML indents with spaces" },
        { "two documents", "system: a\n---\nsystem: b\n", "g:2:1: a second document begins here; a guide is one document" },
        { "no end of quotes", "system: 'a\n", "g:1:9: not YAML: While scanning a quoted scalar, found unexpected end of stream" },
        { "no end of a flow mapping", "a: { b: c\n", "g:2:1: not YAML: While parsing a flow mapping, did not find expected ',' or '}'" },
        { "braces without quotes", "a: { path: /api/{id} }", "g:1:17: not YAML: While parsing a flow mapping, did not find expected ',' or '}'; a text with braces needs quotes: \"/api/{id}\"" },
        { "an asterisk without quotes", "host: *.example.com\n", "g:1:7: no anchor '&.example.com' above this alias; a text that begins with * needs quotes" },
        { "an unknown anchor", "a: *b\n", "g:1:4: no anchor '&b' above this alias; a text that begins with * needs quotes" },
        { "an anchor in itself", "a: &a { b: *a }\n", "g:1:12: the anchor '&a' contains itself" },
        { "a tag", "system: !!str shop\n", "g:1:9: tags are not supported, found 'tag:yaml.org,2002:str'" },
        { "a key that is a list", "? [a]\n: b\n", "g:1:3: a key is a plain text" },
        { "an escaped NUL", "system: \"a\\0b\"\n", "g:1:9: control character U+0000 in a text" },
        { "an escaped NUL in a key", "\"a\\0b\": 1\n", "g:1:1: control character U+0000 in a key" },
        { "a raw NUL", "system: a\nservices: \0\n", "g:2:11: control character U+0000; remove it" },
        { "half a surrogate", "system: \"\\uD800\"\n", "g:1:9: not YAML: While scanning a quoted scalar, found invalid Unicode surrogates" },
        { "no code point", "a: 1\nsystem: \"\\UFFFFFFFF\"\n", "g:2:1: not YAML: a malformed escape, tag or directive from here on" },
        { "65 levels", string.Concat(Enumerable.Repeat("[", 65)), "g:1:65: nested more than 64 levels deep" },
        { "65 levels by aliases", "a: &a " + new string('[', 60) + new string(']', 60) + "\nb: [[[[*a]]]]\n", "g:2:8: nested more than 64 levels deep" },
        { "too many values", "a: [" + string.Concat(Enumerable.Repeat("1,", 100_000)) + "]", "g:1:200001: the guide has more than 100,000 values once aliases are written out" },
        { "too many keys", string.Concat(Enumerable.Range(0, 1001).Select(i => $"k{i}: 1\n")), "g:1:1: has 1,001 keys; allowed: system, services, stores, gateway, rate-limits, cache, warm, queues, budgets, milestones, load" },
    };

    [Theory]
    [MemberData(nameof(Whole))]
    public void Is_one_error_about_the_file(string name, string yaml, string expected)
    {
        _ = name;
        Assert.Equal([expected], Guides.Errors(yaml));
    }

    [Fact]
    public void A_bomb_of_aliases_is_stopped_before_it_is_written_out()
    {
        var bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(1, 12).Select(i =>
            $"a{i}: &a{i} [{string.Join(',', Enumerable.Repeat($"*a{i - 1}", 10))}]\n"));

        Assert.Equal(["g:5:5: the guide has more than 100,000 values once aliases are written out"], Guides.Errors(bomb));
    }

    [Fact]
    public void A_bomb_of_merge_keys_is_stopped_too()
    {
        var bomb = "a0: &a0 { k: 1 }\n" + string.Concat(Enumerable.Range(1, 40).Select(i => $"a{i}: &a{i} {{ <<: [*a{i - 1}, *a{i - 1}], k{i}: [*a{i - 1}, *a{i - 1}] }}\n"));

        Assert.Equal("the guide has more than 100,000 values once aliases are written out", Assert.Single(GuideReader.Parse(bomb, "g").Errors).Message);
    }

    [Fact]
    public void A_key_given_twice_is_named_with_the_line_of_the_first_one()
    {
        Assert.Equal(
            ["g:2:36: services.api: the key is given twice; first on line 2", "g:3:1: system: the key is given twice; first on line 1"],
            Guides.Errors("system: shop\nservices: { api: { command: [a] }, api: { command: [b] } }\nsystem: x\n"));
    }

    [Fact]
    public void A_merge_key_takes_mappings_only()
    {
        Assert.Equal(
            ["g:2:20: services.api.<<: '<<' takes a mapping or a list of mappings, found '5'"],
            Guides.Errors("system: shop\nservices: { api: { <<: 5, command: [a] } }\n"));
    }

    [Fact]
    public void A_long_or_broken_text_is_shortened_to_one_line()
    {
        var error = Assert.Single(Guides.Errors(Guides.Start + "budgets: [{ p95: 1s, route: \"a\\n" + new string('x', 5000) + "\" }]"));

        Assert.InRange(error.Length, 100, 800);
        Assert.DoesNotContain('\n', error);
        Assert.Contains("a\\nxxx", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_said_to_be_missing() =>
        Assert.Equal("/nonexistent/tenfold.yaml: there is no such file", Assert.Single(GuideReader.Read("/nonexistent/tenfold.yaml").Errors).ToString());

    [Fact]
    public void A_folder_is_not_a_guide()
    {
        var folder = Path.GetTempPath();
        Assert.Equal($"{folder}: this is a folder; name the guide's file, such as tenfold.yaml in it", Assert.Single(GuideReader.Read(folder).Errors).ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\0b")]
    public void A_name_that_no_file_can_have_is_an_error(string name) =>
        Assert.StartsWith("cannot be read: ", Assert.Single(GuideReader.Read(name).Errors).Message, StringComparison.Ordinal);

    [Fact]
    public void A_device_without_end_is_read_up_to_the_limit() =>
        Assert.Equal("/dev/zero: the file is larger than 1Mi; a guide is at most 1,048,576 bytes", Assert.Single(GuideReader.Read("/dev/zero").Errors).ToString());

    [Fact]
    public void Ten_megabytes_are_too_many()
    {
        using var file = new TemporaryFile(new byte[10 << 20]);

        Assert.Equal($"{file.Path}: the file is larger than 1Mi; a guide is at most 1,048,576 bytes", Assert.Single(GuideReader.Read(file.Path).Errors).ToString());
        Assert.Equal("g: the file is larger than 1Mi; a guide is at most 1,048,576 bytes", Assert.Single(Guides.Errors(new string('é', 600_000))));
    }

    [Fact]
    public void Exactly_one_mebibyte_is_read()
    {
        var start = Guides.Start + "# ";
        using var file = new TemporaryFile(Encoding.UTF8.GetBytes(start + new string('x', (1 << 20) - start.Length)));

        Assert.Empty(GuideReader.Read(file.Path).Errors);
    }

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_shown_with_their_place()
    {
        using var file = new TemporaryFile([.. "system: shop\nserviçes"u8, 0xE9, .. ": x"u8]);

        Assert.Equal($"{file.Path}:2:9: not UTF-8: byte 0xE9; save the file as UTF-8", Assert.Single(GuideReader.Read(file.Path).Errors).ToString());
    }

    [Fact]
    public void UTF_16_is_named_as_what_it_is()
    {
        using var file = new TemporaryFile([.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Guides.Start)]);

        Assert.Equal($"{file.Path}: the file is UTF-16; save it as UTF-8", Assert.Single(GuideReader.Read(file.Path).Errors).ToString());
    }

    [Fact]
    public void A_byte_order_mark_and_Windows_line_ends_are_fine()
    {
        using var file = new TemporaryFile([.. Encoding.UTF8.GetPreamble(), .. Encoding.UTF8.GetBytes(Guides.Start.Replace("\n", "\r\n", StringComparison.Ordinal))]);

        Assert.Empty(GuideReader.Read(file.Path).Errors);
    }
}
