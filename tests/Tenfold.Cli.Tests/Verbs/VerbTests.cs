using System.Text.Json.Nodes;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.State;
using Tenfold.Scaling;

namespace Tenfold.Cli.Tests.Verbs;

public sealed class VerbTests : IDisposable
{
    private readonly TestShell _shell = new();

    public void Dispose() => _shell.Dispose();

    [Fact]
    public async Task Check_summarises_a_valid_guide()
    {
        var (code, output, _) = await _shell.RunAsync("check", "shop");
        Assert.Equal(0, code);
        Assert.Contains("system shop", output, StringComparison.Ordinal);
        Assert.EndsWith("\nsystems/shop/tenfold.yaml is valid\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_tells_which_query_has_no_index_and_leaves_that_out_when_it_is_asked_to()
    {
        _shell.Write("shop/schema/001-items.sql", "CREATE TABLE items (id int PRIMARY KEY, brand text);");
        _shell.Write("shop/tenfold.yaml", """
            system: shop
            services: { api: { command: [node] } }
            stores: { main: { engine: postgres, schema: schema, queries: [{ table: items, where: [id] }, { table: items, where: [brand] }] } }
            """);
        var (code, output, error) = await _shell.RunAsync("check", "shop/");
        Assert.Equal(1, code);
        Assert.EndsWith("\nshop/tenfold.yaml is valid\n", output, StringComparison.Ordinal);
        Assert.Equal(
            "stores.main.queries[1]: items by brand: no index serves it: reads the whole table for (brand = $1). This one would: CREATE INDEX ON items (brand)\n"
            + "tenfold: 1 of 2 queries has no index\n",
            error);

        (code, output, _) = await _shell.RunAsync("check", "shop/", "--guide-only", "--json");
        Assert.Equal(0, code);
        Assert.Null(JsonNode.Parse(output)!["queries"]);
    }

    [Fact]
    public async Task Queries_need_a_system_that_is_up_with_a_PostgreSQL_and_a_number_that_makes_sense()
    {
        _shell.Write("store.yaml", "system: store\nservices: { api: { command: [node] } }\nstores: { main: { engine: postgres } }\n");
        Assert.Equal((1, "", "tenfold: store is down; start it with: tenfold up store.yaml\n"), await _shell.RunAsync("queries", "store.yaml"));
        Assert.Equal((2, "", "tenfold: shop has no PostgreSQL store\n"), await _shell.RunAsync("queries", "shop"));
        Assert.Equal((2, "", "tenfold: store has no PostgreSQL store 'cache'; it has main\n"), await _shell.RunAsync("queries", "store.yaml", "--store", "cache"));
        Assert.Equal((2, "", "tenfold: --top 0: allowed are 1 to 500\n"), await _shell.RunAsync("queries", "store.yaml", "--top", "0"));
    }

    [Fact]
    public async Task Decisions_of_a_system_that_is_down_are_told_by_its_state_folder()
    {
        var state = SystemState.At(Path.Combine(_shell.State, "shop"), "shop");
        Assert.Equal((0, "", "nothing was decided about shop yet\n"), await _shell.RunAsync("decisions", "shop"));
        state.Create();
        await using var log = new DecisionLog(state);
        log.Add("api", new Decision(DateTimeOffset.UnixEpoch, 2, 4, 5, ScalingLimit.MissingData, "cpu at 91% (target 70%): wants 5"));
        log.Add("worker", new Decision(DateTimeOffset.UnixEpoch, 1, 1, 3, ScalingLimit.Max, "9 jobs wait"));
        await log.DisposeAsync();
        var (code, output, _) = await _shell.RunAsync("decisions", "shop");
        var lines = output.TrimEnd().Split('\n');
        Assert.Equal(0, code);
        Assert.EndsWith(" api    2 → 4    [missing-data] cpu at 91% (target 70%): wants 5", lines[0], StringComparison.Ordinal);
        Assert.EndsWith(" worker 1        [max] 9 jobs wait", lines[1], StringComparison.Ordinal);
        (_, output, _) = await _shell.RunAsync("decisions", "shop", "--service", "worker", "--json");
        Assert.Equal("""{"number":2,"at":"1970-01-01T00:00:00+00:00","service":"worker","from":1,"to":1,"wanted":3,"limit":"Max","reason":"9 jobs wait","direction":"none"}""" + "\n", output);
        Assert.Equal((0, "", "nothing was decided about web of shop yet\n"), await _shell.RunAsync("decisions", "shop", "--service", "web"));
    }

    [Theory]
    [InlineData("many")]
    [InlineData("-1")]
    [InlineData("Auto")]
    public async Task A_service_is_scaled_to_a_number_or_by_its_rules(string count)
    {
        var (code, _, error) = await _shell.RunAsync("scale", "shop", "api", count);
        Assert.Equal(2, code);
        Assert.Contains(count, error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_prints_every_error_a_line_each()
    {
        _shell.Write("bad.yaml", "system: shop\nservices:\n  api: { command: [node], scale: { min: 5, max: 3 }, instnace: {} }\n");
        var (code, output, error) = await _shell.RunAsync("check", "bad.yaml");
        Assert.Equal(2, code);
        Assert.Equal("", output);
        var lines = error.TrimEnd().Split('\n');
        Assert.True(lines.Length >= 3, error);
        Assert.All(lines[..^1], line => Assert.StartsWith("bad.yaml:3:", line, StringComparison.Ordinal));

        var json = JsonNode.Parse((await _shell.RunAsync("check", "bad.yaml", "--json")).Out)!;
        Assert.False(json["valid"]!.GetValue<bool>());
        Assert.Equal(lines.Length - 1, json["errors"]!.AsArray().Count);
        Assert.Equal(3, json["errors"]![0]!["line"]!.GetValue<int>());
    }

    [Fact]
    public async Task Every_verb_refuses_a_guide_with_errors_with_all_of_them()
    {
        _shell.Write("bad.yaml", "system: shop\nservices: { api: { command: [node], scale: { min: 5, max: 3 } } }\n");
        var (code, _, error) = await _shell.RunAsync("up", "bad.yaml");
        Assert.Equal(2, code);
        Assert.Contains("in the guide of bad.yaml:\nbad.yaml:2:", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Schema_is_JSON()
    {
        var (code, output, _) = await _shell.RunAsync("schema");
        Assert.Equal(0, code);
        Assert.NotNull(JsonNode.Parse(output)!["$schema"]);
        Assert.Equal((0, output, ""), await _shell.RunAsync("schema", "--json"));
    }

    [Fact]
    public async Task Status_of_a_system_that_is_down_is_an_answer()
    {
        var (code, output, _) = await _shell.RunAsync("status", "shop");
        Assert.Equal((0, "shop is down; start it with: tenfold up shop\n"), (code, output));
        Assert.Equal("shop is down; start it with: tenfold up systems/shop\n", (await _shell.RunAsync("status", "systems/shop")).Out);
        var json = JsonNode.Parse((await _shell.RunAsync("status", "shop", "--json")).Out)!;
        Assert.Equal("shop", json["system"]!.GetValue<string>());
        Assert.Equal("down", json["state"]!.GetValue<string>());
        Assert.Empty(json["services"]!.AsArray());
    }

    [Theory]
    [InlineData("restart", "shop")]
    [InlineData("scale", "shop", "api", "2")]
    public async Task An_operation_on_a_system_that_is_down_says_what_to_do(params string[] arguments)
    {
        var (code, _, error) = await _shell.RunAsync(arguments);
        Assert.Equal((1, "tenfold: shop is not up; start it with: tenfold up shop\n"), (code, error));
    }

    [Fact]
    public async Task Down_of_a_system_that_is_down_is_no_error_and_deletes_when_asked()
    {
        Assert.Equal((0, "shop was not up\n", ""), await _shell.RunAsync("down", "shop"));
        var state = SystemState.At(Path.Combine(_shell.State, "shop"), "shop");
        state.Create();
        await File.WriteAllTextAsync(state.LogFile("api-1"), new string('x', 2048));
        File.Delete(Path.Combine(_shell.Folder, "systems/shop/tenfold.yaml")); // what it left is found without its guide
        var (code, output, _) = await _shell.RunAsync("down", "shop", "--delete");
        Assert.Equal(0, code);
        Assert.Equal($"shop was not up\ndeleted {state.Folder} (2 KiB: data of its stores, logs, builds)\n", output);
        Assert.False(Directory.Exists(state.Folder));
    }

    [Theory]
    [InlineData("")]
    [InlineData("documents")]
    [InlineData("..")]
    public async Task Down_deletes_no_folder_that_is_not_a_systems_state(string name)
    {
        var letter = _shell.Write("state/documents/letter.txt", "dear");
        var (code, output, _) = await _shell.RunAsync("down", name, "--delete");
        Assert.Equal((2, ""), (code, output));
        Assert.True(File.Exists(letter));
    }

    [Fact]
    public async Task Down_leaves_what_somebody_else_put_into_a_state_folder()
    {
        var state = SystemState.At(Path.Combine(_shell.State, "shop"), "shop");
        state.Create();
        var letter = _shell.Write("state/shop/letter.txt", "dear");
        var (code, output, _) = await _shell.RunAsync("down", "shop", "--delete");
        Assert.Equal(0, code);
        Assert.EndsWith("; what else is in it was left there\n", output, StringComparison.Ordinal);
        Assert.Equal([letter], Directory.GetFileSystemEntries(state.Folder));
    }

    [Fact]
    public async Task Down_deletes_nothing_while_another_command_holds_the_system()
    {
        var state = SystemState.At(Path.Combine(_shell.State, "shop"), "shop");
        state.Create();
        using (await HostLock.TryTakeAsync(state, TimeProvider.System, default, asHost: false))
        {
            var (code, output, error) = await _shell.RunAsync("down", "shop", "--delete");
            Assert.Equal((1, ""), (code, output));
            Assert.Contains("try again", error, StringComparison.Ordinal);
            Assert.True(state.IsThere);
        }

        Assert.Equal(0, (await _shell.RunAsync("down", "shop", "--delete")).Code);
        Assert.False(state.IsThere);
    }

    [Fact]
    public async Task Logs_of_a_system_that_was_up_are_shown_by_what_is_meant()
    {
        var state = SystemState.At(Path.Combine(_shell.State, "shop"), "shop");
        state.Create();
        await File.WriteAllTextAsync(state.LogFile("api-1"), "2026-01-01T00:00:01.000Z out one\n2026-01-01T00:00:03.000Z host stopped\n");
        await File.WriteAllTextAsync(state.LogFile("main"), "2026-01-01T00:00:02.000Z out two\n");

        var (code, output, _) = await _shell.RunAsync("logs", "shop");
        Assert.Equal(0, code);
        Assert.Equal("2026-01-01 00:00:01.000 api-1 one\n2026-01-01 00:00:02.000 main  two\n2026-01-01 00:00:03.000 api-1 · stopped\n", output);
        Assert.Equal("2026-01-01 00:00:03.000 api-1 · stopped\n", (await _shell.RunAsync("logs", "shop", "api", "-n", "1")).Out);
        var json = JsonNode.Parse((await _shell.RunAsync("logs", "shop", "main", "--json")).Out)!;
        Assert.Equal(("main", "two"), (json["source"]!.GetValue<string>(), json["text"]!.GetValue<string>()));

        var wrong = await _shell.RunAsync("logs", "shop", "mian");
        Assert.Equal(2, wrong.Code);
        Assert.Contains("shop has no log 'mian'; did you mean 'main'?", wrong.Error, StringComparison.Ordinal);
    }
}
