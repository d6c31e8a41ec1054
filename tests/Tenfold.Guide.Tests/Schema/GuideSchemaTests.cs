using System.Text.Json.Nodes;
using Tenfold.Guide.Reading;
using Tenfold.Guide.Schema;

namespace Tenfold.Guide.Tests.Schema;

public sealed class GuideSchemaTests
{
    private static readonly JsonObject Schema = GuideSchema.Create();

    public static TheoryData<string> Shipped => [.. Repository.Guides()];

    [Fact]
    public void Text_is_the_schema_as_json() =>
        Assert.True(JsonNode.DeepEquals(Schema, JsonNode.Parse(GuideSchema.Text())));

    [Fact]
    public void Every_key_has_a_description()
    {
        var records = Schema["$defs"]!.AsObject().Select(d => d.Value!).Append(Schema).Where(d => d["properties"] is not null);
        Assert.Equal([], records.SelectMany(r => r["properties"]!.AsObject()).Where(p => p.Value!["description"] is null).Select(p => p.Key));
        Assert.Equal("How long a leaving instance may take to finish what is in flight. Default 30s.", (string?)Schema["$defs"]!["service"]!["properties"]!["drain"]!["description"]);
    }

    [Fact]
    public void Defaults_bounds_and_words_are_those_of_the_records()
    {
        var definitions = Schema["$defs"]!;
        Assert.Equal(8080, (int)definitions["gateway-section"]!["properties"]!["port"]!["default"]!);
        Assert.Equal("30s", (string?)definitions["service"]!["properties"]!["drain"]!["default"]);
        Assert.Equal("65535", definitions["gateway-section"]!["properties"]!["port"]!["anyOf"]![0]!["maximum"]!.ToJsonString());
        Assert.Equal("""["postgres","redis"]""", definitions["store"]!["properties"]!["engine"]!["anyOf"]![0]!["enum"]!.ToJsonString());
        Assert.Equal("""["system"]""", Schema["required"]!.ToJsonString());
    }

    [Theory]
    [InlineData("nonsense: 1")]
    [InlineData("milestones: {}")]
    [InlineData("stores: { main: { engine: mongodb } }")]
    [InlineData("stores: { main: {} }")]
    [InlineData("stores: [main]")]
    [InlineData("gateway: { port: 70000 }")]
    [InlineData("gateway: { port: high }")]
    [InlineData("gateway: { limits: { body: 5MB } }")]
    [InlineData("gateway: { limits: { header-timeout: 5 } }")]
    [InlineData("gateway: { retries: { budget: 0.2 } }")]
    [InlineData("gateway: { routes: [{ path: api }] }")]
    [InlineData("budgets: [{ route: GTE /api, p95: 1s }]")]
    [InlineData("load: { t: { stages: [], scenario: [{ gett: / }] } }")]
    [InlineData("load: { t: { stages: [], scenario: [{ get: /, think: 1s }] } }")]
    [InlineData("load: { t: { stages: [] } }")]
    public void What_the_reader_refuses_by_form_the_schema_refuses_too(string section)
    {
        var yaml = Guides.Start + section;

        Assert.NotEmpty(Guides.Errors(yaml));
        Assert.NotEmpty(Validate(yaml));
    }

    [Fact]
    public void A_guide_that_uses_every_key_is_valid()
    {
        Assert.Empty(Guides.Errors(Samples.EveryKey));
        Assert.Empty(Validate(Samples.EveryKey));
    }

    [Theory]
    [MemberData(nameof(Shipped))]
    public void Every_shipped_guide_is_valid_and_fits_the_schema(string file)
    {
        Assert.Equal([], GuideReader.Read(file, _ => null).Errors.Select(e => e.ToString()));
        Assert.Empty(Validate(File.ReadAllText(file)));
    }

    private static string[] Validate(string yaml)
    {
        var json = JsonBody.Of(new Composer(yaml, new Substitution(_ => null), new Findings("g")).Compose()!);
        return [.. new SchemaValidator(Schema).Errors(json)];
    }
}
