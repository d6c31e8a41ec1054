namespace Tenfold.Guide.Tests.Reading;

public sealed class SubstitutionTests
{
    [Theory]
    [InlineData("${A}", "one")]
    [InlineData("x-${A}-${B:-two}-y", "x-one-two-y")]
    [InlineData("${A:-default}", "one")]
    [InlineData("${UNSET:-}", "")]
    [InlineData("${EMPTY}", "")]
    [InlineData("${EMPTY:-full}", "full")]
    [InlineData("${UNSET:-a:-b}", "a:-b")]
    [InlineData("$${A}", "${A}")]
    [InlineData("$$${A}", "$${A}")]
    [InlineData("$A and $ and $$", "$A and $ and $$")]
    [InlineData("${TRICKY}", "${A}: [x")]
    public void Variables_are_filled_in(string written, string expected)
    {
        var guide = Guides.Read($"system: shop\nservices: {{ api: {{ command: [a, \"{written}\"] }} }}", name => name switch
        {
            "A" => "one",
            "EMPTY" => "",
            "TRICKY" => "${A}: [x",
            _ => null,
        });

        Assert.Equal(expected, guide.Services["api"].Command![1]);
    }

    [Fact]
    public void A_JSON_body_may_come_from_the_environment_and_be_empty()
    {
        var guide = Guides.Read(
            Guides.Start + """
            load:
              t:
                stages: [{ for: 1s, users: 1 }]
                scenario:
                  - post: /
                    json:
                      empty: ${UNSET:-}
                      number: ${UNSET:-1.5}
                      text: ${UNSET:-1.5.}
            """,
            _ => null);

        Assert.Equal("""{"empty":"","number":1.5,"text":"1.5."}""", ((RequestStep)guide.Load["t"].Scenario[0]).Json!.ToJsonString());
    }

    [Fact]
    public void A_value_of_any_type_may_come_from_the_environment()
    {
        var guide = Guides.Read(
            """
            system: ${NAME}
            services: { api: { command: [a], socket: "${SOCKET}", drain: "${DRAIN:-5s}" } }
            gateway:
              port: ${PORT:-8081}
            """,
            name => name switch { "NAME" => "shop", "SOCKET" => "true", _ => null });

        Assert.Equal(("shop", true, 5d, 8081), (guide.System, guide.Services["api"].Socket, guide.Services["api"].Drain.TotalSeconds, guide.Gateway.Port));
    }

    [Theory]
    [InlineData("${UNSET}", "the environment variable UNSET is not set; set it, or write ${UNSET:-default}")]
    [InlineData("a ${A", "'${' without '}'; a literal ${ is written $${")]
    [InlineData("${}", "'${}' names no environment variable; write ${NAME} or ${NAME:-default}, or $${ for a literal ${")]
    [InlineData("${1A}", "'${1A}' names no environment variable; write ${NAME} or ${NAME:-default}, or $${ for a literal ${")]
    [InlineData("${A-b}", "'${A-b}' names no environment variable; write ${NAME} or ${NAME:-default}, or $${ for a literal ${")]
    [InlineData("${NUL}", "the environment variable NUL holds the control character U+0001")]
    [InlineData("${HUGE}", "the environment variables of this guide hold more than 1Mi characters together")]
    public void What_cannot_be_filled_in_is_an_error_with_its_place(string written, string message) => Assert.Equal(
        [$"g:1:9: system: {message}"],
        Guides.Errors($"system: \"{written}\"\nservices: {{ api: {{ command: [a] }} }}", name => name switch
        {
            "NUL" => "\u0001",
            "HUGE" => new string('x', (1 << 20) + 1),
            _ => null,
        }));

    [Fact]
    public void The_environment_of_the_process_is_the_default()
    {
        var result = Tenfold.Guide.Reading.GuideReader.Parse("system: shop\nservices: { api: { command: [a, \"${PATH}\"] } }");

        Assert.Equal(Environment.GetEnvironmentVariable("PATH"), result.Guide!.Services["api"].Command![1]);
    }
}
