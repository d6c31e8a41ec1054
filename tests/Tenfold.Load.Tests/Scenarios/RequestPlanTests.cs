using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Tenfold.Guide;
using Tenfold.Load.Data;
using Tenfold.Load.Scenarios;

namespace Tenfold.Load.Tests.Scenarios;

public sealed partial class RequestPlanTests
{
    private static readonly Uri Target = new("http://shop.example:8080");

    [Fact]
    public void A_request_without_templates_is_rendered_once()
    {
        var plan = Plan(new RequestStep { Method = "GET", Path = "/api/products?page=1" });
        Assert.Equal("GET /api/products?page=1 HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: tenfold-load\r\nAccept: */*\r\n\r\n", Encoding.UTF8.GetString(plan.Ready!));
    }

    [Fact]
    public void A_body_has_its_length_and_type()
    {
        var plan = Plan(new RequestStep
        {
            Method = "POST",
            Path = "/api/orders",
            Headers = new Dictionary<string, string> { ["Accept"] = "application/json", ["X-Run"] = "a b" },
            Json = JsonNode.Parse("""{"items":[{"id":1,"note":"é \"x\""}],"gift":null,"ok":true}"""),
        });
        var text = Encoding.UTF8.GetString(plan.Ready!);
        Assert.StartsWith("POST /api/orders HTTP/1.1\r\nHost: shop.example:8080\r\nUser-Agent: tenfold-load\r\nContent-Type: application/json\r\nAccept: application/json\r\nX-Run: a b\r\nContent-Length: 60\r\n\r\n", text, StringComparison.Ordinal);
        Assert.EndsWith("""{"items":[{"id":1,"note":"é \"x\""}],"gift":null,"ok":true}""", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_POST_without_a_body_says_so() =>
        Assert.Contains("\r\nContent-Length: 0\r\n\r\n", Encoding.UTF8.GetString(Plan(new RequestStep { Method = "POST", Path = "/" }).Ready!), StringComparison.Ordinal);

    [Fact]
    public void The_target_s_path_comes_first_and_its_default_port_is_not_named()
    {
        var plan = new RequestPlan(new RequestStep { Method = "DELETE", Path = "/x y" }, new Uri("https://shop.example/base/"), Names(), Routes(), "step 1");
        Assert.StartsWith("DELETE /base/x%20y HTTP/1.1\r\nHost: shop.example\r\n", Encoding.UTF8.GetString(plan.Ready!), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://[::1]", "[::1]")]
    [InlineData("http://[::1]:81", "[::1]:81")]
    [InlineData("http://bücher.example:81", "xn--bcher-kva.example:81")]
    [InlineData("https://a.example:443", "a.example")]
    public void The_host_is_named_as_HTTP_wants_it(string target, string host)
    {
        var plan = new RequestPlan(new RequestStep { Method = "GET", Path = "/" }, new Uri(target), Names(), Routes(), "step 1");
        Assert.Contains($"\r\nHost: {host}\r\n", Encoding.UTF8.GetString(plan.Ready!), StringComparison.Ordinal);
    }

    [Fact]
    public void Captured_values_are_escaped_where_they_stand()
    {
        var plan = new RequestPlan(
            new RequestStep
            {
                Method = "PUT",
                Path = "/p/{{id}}?q={{ id }}",
                Headers = new Dictionary<string, string> { ["If-Match"] = "\"{{id}}\"" },
                Json = JsonNode.Parse("""{"id":"{{id}}","text":"<{{id}}>","{{id}}":1}"""),
            },
            Target,
            Names("id"),
            Routes(),
            "step 1");
        var values = new TemplateValues(1);
        values.Begin(1, 1, 0);
        values.Variables[0].SetRaw("4 \"2\\é\r\n"u8);
        Assert.False(plan.TryRender(values, new ByteBuffer(), new ByteBuffer(), out _)); // a line break has no place in a header

        var reader = new System.Text.Json.Utf8JsonReader("\"4 \\\"2\\\\é\""u8);
        reader.Read();
        values.Variables[0].SetString(ref reader);
        var text = Render(plan, values);
        Assert.StartsWith("PUT /p/4%20%222%5C%C3%A9?q=4%20%222%5C%C3%A9 HTTP/1.1\r\n", text, StringComparison.Ordinal);
        Assert.Contains("\r\nIf-Match: \"4 \"2\\é\"\r\n", text, StringComparison.Ordinal);
        Assert.EndsWith("""{"id":"4 \"2\\é","text":"<4 \"2\\é>","{{id}}":1}""", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_JSON_string_that_is_one_place_keeps_the_value_s_type()
    {
        var plan = new RequestPlan(
            new RequestStep { Method = "POST", Path = "/", Json = JsonNode.Parse("""["{{n}}","#{{n}}","{{random 5 5}}","{{user}}","{{iteration}}"]""") }, Target, Names("n"), Routes(), "step 1");
        var values = new TemplateValues(1);
        values.Begin(1, 7, 3);
        values.Variables[0].SetRaw("12.5"u8);
        Assert.EndsWith("""[12.5,"#12.5",5,7,3]""", Render(plan, values), StringComparison.Ordinal);
    }

    [Fact]
    public void Generators_depend_on_seed_user_and_iteration_only()
    {
        var plan = Plan(new RequestStep { Method = "GET", Path = "/{{uuid}}/{{random -3 1000000}}" });
        string Of(int seed, long user, long iteration)
        {
            var values = new TemplateValues(0);
            values.Begin(seed, user, iteration);
            return Render(plan, values);
        }

        Assert.Matches(Uuid(), Of(1, 1, 0));
        Assert.Equal(Of(1, 1, 0), Of(1, 1, 0));
        Assert.Equal(4, new[] { Of(1, 1, 0), Of(2, 1, 0), Of(1, 2, 0), Of(1, 1, 1) }.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void A_user_takes_its_row_of_a_table_and_after_the_last_one_the_first_again()
    {
        var plan = Plan(new RequestStep { Method = "POST", Path = "/{{buyers.token}}", Headers = new Dictionary<string, string> { ["X-Name"] = "{{buyers.name}}" }, Json = JsonNode.Parse("""["{{buyers.name}}","<{{buyers.name}}>"]""") });
        string[] texts = [.. Enumerable.Range(1, 3).Select(user =>
        {
            var values = new TemplateValues(0);
            values.Begin(1, user, 0);
            return Render(plan, values);
        })];
        Assert.StartsWith("POST /t1 HTTP/1.1\r\n", texts[0], StringComparison.Ordinal);
        Assert.Contains("\r\nX-Name: A \"B\"\r\n", texts[0], StringComparison.Ordinal);
        Assert.EndsWith("""["A \"B\"","<A \"B\">"]""", texts[0], StringComparison.Ordinal);
        Assert.StartsWith("POST /t2 ", texts[1], StringComparison.Ordinal);
        Assert.StartsWith("POST /t1 ", texts[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Pick_takes_each_of_its_choices_as_it_stands()
    {
        var plan = Plan(new RequestStep { Method = "GET", Path = "/?q={{pick lamp|garden chair | Stühle}}" });
        var values = new TemplateValues(0);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var iteration = 0; iteration < 100; iteration++)
        {
            values.Begin(1, 1, iteration);
            seen.Add(Render(plan, values).Split(' ')[1]);
        }

        Assert.Equal(["/?q=St%C3%BChle", "/?q=garden%20chair", "/?q=lamp"], seen.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Random_covers_its_whole_range_and_nothing_else()
    {
        var random = SplitMix.For(1, 1, 1);
        var seen = Enumerable.Range(0, 1000).Select(_ => random.Between(-2, 2)).ToHashSet();
        Assert.Equal([-2, -1, 0, 1, 2], seen.Order());
    }

    [Theory]
    [InlineData("/{{nope}}", "step 1: '{{nope}}' is neither a generator (uuid, random FROM TO, iteration, user, pick ONE|ANOTHER) or one of id, buyers.token, buyers.name; a variable must be captured by an earlier step")]
    [InlineData("/{{random}}", "step 1: '{{random}}' must be {{random FROM TO}} with whole numbers and FROM <= TO, such as {{random 1 100}}")]
    [InlineData("/{{random 9 1}}", "step 1: '{{random 9 1}}' must be {{random FROM TO}} with whole numbers and FROM <= TO, such as {{random 1 100}}")]
    [InlineData("/{{pick}}", "step 1: '{{pick}}' must be {{pick ONE|ANOTHER}}, such as {{pick lamp|garden chair}}")]
    [InlineData("/{{pick a|}}", "step 1: '{{pick a|}}' must be {{pick ONE|ANOTHER}}, such as {{pick lamp|garden chair}}")]
    [InlineData("/{{buyers.age}}", "step 1: '{{buyers.age}}' is neither a generator (uuid, random FROM TO, iteration, user, pick ONE|ANOTHER) or one of id, buyers.token, buyers.name; a variable must be captured by an earlier step")]
    [InlineData("/{{id", "step 1: '{{' without its '}}' in '/{{id'")]
    [InlineData("http://other/", "step 1: the path 'http://other/' does not begin with '/'; requests go to the test's target only")]
    public void A_wrong_path_is_refused(string path, string message)
    {
        var error = Assert.Throws<LoadException>(() => new RequestPlan(new RequestStep { Method = "GET", Path = path }, Target, Names("id"), Routes(), "step 1"));
        Assert.Equal((LoadFault.Usage, message), (error.Fault, error.Message));
    }

    [Theory]
    [InlineData("Content-Length", "1")]
    [InlineData("connection", "close")]
    [InlineData("Bad Name", "x")]
    [InlineData("X-Bad", "a\r\nHost: b")]
    public void A_header_that_would_break_the_message_is_refused(string name, string value) =>
        Assert.Throws<LoadException>(() => Plan(new RequestStep { Method = "GET", Path = "/", Headers = new Dictionary<string, string> { [name] = value } }));

    [Fact]
    public void A_capture_cannot_hide_a_generator() =>
        Assert.Throws<LoadException>(() => Plan(new RequestStep { Method = "GET", Path = "/", Capture = new Dictionary<string, string> { ["uuid"] = "id" } }));

    [Fact]
    public void Each_request_belongs_to_the_most_specific_budget()
    {
        var routes = Routes("GET /api/**", "GET /api/products/{id}", "GET /api/products/search", "POST /api/products");
        string RouteOf(string method, string path)
        {
            var plan = new RequestPlan(new RequestStep { Method = method, Path = path }, Target, Names("id"), routes, "step 1");
            var values = new TemplateValues(1);
            values.Begin(1, 1, 0);
            values.Variables[0].SetRaw("search"u8);
            Assert.True(plan.TryRender(values, new ByteBuffer(), new ByteBuffer(), out var route));
            return routes.Routes[route].Name;
        }

        Assert.Equal("GET /api/products/search", RouteOf("GET", "/api/products/search?q=a"));
        Assert.Equal("GET /api/products/{id}", RouteOf("GET", "/api/products/12"));
        Assert.Equal("GET /api/products/{id}", RouteOf("GET", "/api/products/{{random 1 9}}"));
        Assert.Equal("GET /api/products/search", RouteOf("GET", "/api/products/{{id}}")); // by what is sent
        Assert.Equal("GET /api/**", RouteOf("GET", "/api/stores"));
        Assert.Equal("POST /api/products", RouteOf("POST", "/api/products"));
        Assert.Equal("PUT /api/products/{id}", RouteOf("PUT", "/api/products/{{id}}?x={{uuid}}"));
        Assert.Equal("GET /health", RouteOf("GET", "/health?full"));
    }

    private static RequestPlan Plan(RequestStep step) => new(step, Target, Names(), Routes(), "step 1");

    private static ScenarioNames Names(params string[] captured)
    {
        var names = new ScenarioNames(new Dictionary<string, DataTable> { ["buyers"] = DataTable.Parse(new StringReader("token,name\nt1,\"A \"\"B\"\"\"\nt2,C\n"), "buyers.csv") });
        foreach (var name in captured)
        {
            names.Capture(name);
        }

        return names;
    }

    private static string Render(RequestPlan plan, TemplateValues values)
    {
        var bytes = new ByteBuffer();
        Assert.True(plan.TryRender(values, bytes, new ByteBuffer(), out _));
        return Encoding.UTF8.GetString(bytes.Span);
    }

    private static RouteTable Routes(params string[] budgets) => new(
        [.. budgets.Select(b => new Budget { Route = new RouteKey(b.Split(' ')[0], PathPattern.Parse(b.Split(' ')[1])) })],
        TimeSpan.FromSeconds(60));

    [GeneratedRegex("^GET /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/-?[0-9]+ ")]
    private static partial Regex Uuid();
}
