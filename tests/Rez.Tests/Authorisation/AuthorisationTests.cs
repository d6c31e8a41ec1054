using System.Text.Json;
using System.Text.RegularExpressions;
using Rez.Tests.OpenApi;

namespace Rez.Tests.Authorisation;

/// <summary>
/// Walks every operation of the OpenAPI document as everybody, and compares who may with the table in the documentation, and what is
/// answered with what the document says.
/// </summary>
public sealed partial class AuthorisationTests(Shop shop)
{
    private static readonly Role[] Columns = [Role.Nobody, Role.Customer, Role.OtherCustomer, Role.Merchant, Role.OtherMerchant, Role.Admin];

    [Fact]
    public async Task Every_operation_answers_each_role_as_the_table_says_and_as_it_is_described()
    {
        var table = Table();
        using var document = JsonDocument.Parse(await shop.Http.GetStringAsync("/openapi/v1.json"));
        var operations = Operations(document);
        var described = new DescribedAnswers(document.RootElement);
        Assert.Equal([], operations.Except(table.Keys).Select(operation => operation + " has no row in docs/rez/accounts.md"));
        Assert.Equal([], table.Keys.Except(operations).Select(operation => operation + " is in docs/rez/accounts.md and not in the API"));
        Assert.Equal([], Examples.All.Keys.Except(operations).Select(operation => operation + " has an example and is not in the API"));

        using var world = await World.CreateAsync(shop);
        var wrong = new List<string>();
        foreach (var (operation, expected) in table)
        {
            for (var column = 0; column < Columns.Length; column++)
            {
                var answer = await CallAsync(world, operation, Columns[column]);
                if (!IsAs(expected[column], answer.Status))
                {
                    wrong.Add($"{operation} as {Columns[column]}: {answer.Status}, not {expected[column]}: {answer.Body}");
                }

                wrong.AddRange(described.Differences(operation, answer).Select(difference => $"{operation} as {Columns[column]}: {difference}"));
            }
        }

        Assert.True(wrong.Count == 0, string.Join("\n", wrong));
    }

    [Fact]
    public async Task No_operation_but_those_for_everybody_lets_in_a_token_that_does_not_hold()
    {
        var made = Commons.Accounts.SessionToken.New(new Tenfold.Postgres.Shards.ShardId(4711)).Text;
        foreach (var (operation, expected) in Table().Where(row => row.Value[0] == "401"))
        {
            var (method, path) = (operation.Split(' ')[0], IdInPath().Replace(operation.Split(' ')[1], "1"));
            foreach (var (name, value) in new[] { ("Authorization", "Bearer " + made), ("Authorization", "Bearer x"), ("Authorization", "Basic YTpi"), ("Cookie", "rez_session=" + made) })
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), path);
                request.Headers.TryAddWithoutValidation(name, value);
                using var response = await shop.Http.SendAsync(request);
                Assert.True((int)response.StatusCode == 401, $"{operation} with {name}: {value}: {(int)response.StatusCode}");
                Assert.StartsWith("Bearer", response.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
                Assert.Equal("no-store", response.Headers.CacheControl?.ToString());
            }
        }
    }

    private static bool IsAs(string expected, int status) => expected == "yes" ? status is >= 200 and < 300 : status.ToString() == expected;

    private static async Task<Answer> CallAsync(World world, string operation, Role role)
    {
        var example = Examples.All.GetValueOrDefault(operation);
        if (example is null && (operation.Contains('{', StringComparison.Ordinal) || !operation.StartsWith("GET ", StringComparison.Ordinal)))
        {
            return new Answer(0, null, "no example of it in tests/Rez.Tests/Authorisation");
        }

        using var request = example is null ? Examples.Request("GET", operation["GET ".Length..]) : await example.Request(world, role);
        var client = example?.As is { } special ? await special(world, role) : world.As(role);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead); // a stream may be endless
        var type = response.Content.Headers.ContentType?.MediaType;
        return new Answer((int)response.StatusCode, type, type is not null && type.EndsWith("json", StringComparison.Ordinal) ? await response.Content.ReadAsStringAsync() : "");
    }

    /// <summary>Every operation under /api, and images.</summary>
    private static List<string> Operations(JsonDocument document)
    {
        return
        [
            .. document.RootElement.GetProperty("paths").EnumerateObject()
                .Where(path => !path.Name.StartsWith("/health", StringComparison.Ordinal) && path.Name is not ("/metrics" or "/openapi/{documentName}.json"))
                .SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}"))
                .Order(StringComparer.Ordinal),
        ];
    }

    private static SortedDictionary<string, string[]> Table()
    {
        var table = new SortedDictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(Path.Combine(SchemaFiles.Repository(), "docs", "rez", "accounts.md")))
        {
            if (Row().Match(line) is { Success: true } row)
            {
                string[] cells = [.. row.Groups[2].Value.Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
                Assert.True(cells.Length == Columns.Length && cells.All(cell => cell is "yes" or "401" or "403" or "404"), line);
                table.Add(row.Groups[1].Value, cells);
            }
        }

        return table;
    }

    [GeneratedRegex(@"^\| `([A-Z]+ /[^`]*)` \|((?: \w+ \|){6})$")]
    private static partial Regex Row();

    [GeneratedRegex(@"\{\w+\}")]
    private static partial Regex IdInPath();
}
