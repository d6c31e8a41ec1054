using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Tenfold.Load.Scenarios;

namespace Tenfold.Load.Tests.Scenarios;

public sealed class JsonPathTests
{
    private const string Answer = """
        {"success":true,"data":[{"id":"p-1","price":12.50,"tags":["a","b\n\"c"]},{"id":2,"nested":{"a.b":null,"0":"zero","ü":"é"}}],"data2":1}
        """;

    [Theory]
    [InlineData("success", "true", false)]
    [InlineData("$.success", "true", false)]
    [InlineData("data.0.id", "p-1", true)]
    [InlineData("$.data[0].id", "p-1", true)]
    [InlineData("$['data'][1]['id']", "2", false)]
    [InlineData("data.0.price", "12.50", false)]
    [InlineData("data[0].tags[1]", "b\n\"c", true)]
    [InlineData("data[0].tags", "[\"a\",\"b\\n\\\"c\"]", false)]
    [InlineData("data[1].nested[\"a.b\"]", "null", false)]
    [InlineData("data.1.nested.0", "zero", true)]
    [InlineData("data.1.nested.ü", "é", true)]
    [InlineData("data2", "1", false)]
    public void Values_are_found(string path, string value, bool isString)
    {
        var slot = new VariableSlot();
        Assert.True(Read(path, Answer, slot));
        Assert.Equal((value, isString), (Encoding.UTF8.GetString(slot.Bytes), slot.IsString));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("data.2")]
    [InlineData("data.-1")]
    [InlineData("success.id")]
    [InlineData("data.0.id.x")]
    [InlineData("data.id")]
    public void What_is_not_there_is_not_found(string path) => Assert.False(Read(path, Answer, new VariableSlot()));

    [Theory]
    [InlineData("")]
    [InlineData("<html>")]
    [InlineData("{\"data\":[")]
    [InlineData("{\"data\":[{\"id\"")]
    public void What_is_not_JSON_has_no_values(string json) => Assert.False(Read("data.0.id", json, new VariableSlot()));

    [Theory]
    [InlineData("", "a JSON path is empty; '$' is the whole answer")]
    [InlineData("data..id", "a name is missing")]
    [InlineData("data.", null)]
    [InlineData("data[0", "'[' without its ']'")]
    [InlineData("data['x]", "'[' without its ']'")]
    [InlineData("data[x]", "'[x]' is not an index from 0; a name in brackets has quotes")]
    [InlineData("data[-1]", "'[-1]' is not an index from 0; a name in brackets has quotes")]
    [InlineData("data.*", "'*' is not a name or an index; wildcards and filters are not supported")]
    [InlineData("$data", "'.' or '[' expected before 'data'")]
    public void What_is_not_supported_is_refused(string path, string? message)
    {
        Assert.False(JsonPath.TryParse(path, out _, out var error));
        if (message is not null)
        {
            Assert.Equal(message, error);
        }
    }

    [Fact]
    public void No_path_and_no_answer_throws_anything() => Prop.ForAll<string, string>((path, json) =>
    {
        if (JsonPath.TryParse(path ?? "", out var parsed, out _))
        {
            parsed.TryRead(Encoding.UTF8.GetBytes(json ?? ""), new VariableSlot());
        }
    }).QuickCheckThrowOnFailure();

    private static bool Read(string path, string json, VariableSlot slot)
    {
        Assert.True(JsonPath.TryParse(path, out var parsed, out var error), error);
        return parsed.TryRead(Encoding.UTF8.GetBytes(json), slot);
    }
}
