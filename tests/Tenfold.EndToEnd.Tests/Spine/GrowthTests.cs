using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Spine;

/// <summary>A sharded rez: one database becomes several while products are changed and read.</summary>
public sealed class GrowthTests
{
    private const int SmallProducts = 2_000;

    private static string Small => Path.Combine(Repository.Root, "tests", "Tenfold.EndToEnd.Tests", "Shards", "tenfold.yaml");

    [Fact]
    [Trait("Suite", "soak")] // in ./test, Rez.Tests grows one within a process
    public async Task A_running_rez_gets_another_database_and_no_change_of_a_product_is_lost()
    {
        var tenfold = new TenfoldCommand { ["REZ"] = Path.Combine(AppContext.BaseDirectory, "rez.dll") };
        await using var rez = new RunningSystem(tenfold, Small);
        await GrowAsync(tenfold, rez, Small, to: 2, "SHARDS", SmallProducts, wait: false);
    }

    [Fact]
    [Trait("Suite", "soak")]
    public async Task The_whole_rez_with_a_replica_of_each_database_grows_from_one_to_four()
    {
        var tenfold = new TenfoldCommand { ["REZ_PORT"] = "0", ["REZ_REPLICAS"] = "1", ["REZ_CHANGES"] = "1M" };
        await using var rez = new RunningSystem(tenfold, "rez");
        await GrowAsync(tenfold, rez, "rez", to: 4, "REZ_SHARDS", products: 250_000, wait: true);

        // The next run finds everything where it is now.
        await tenfold.SucceedAsync("down", "rez");
        await rez.UpAsync();
        await tenfold.SucceedAsync("shards", "rez");
    }

    private static async Task GrowAsync(TenfoldCommand tenfold, RunningSystem rez, string guide, int to, string variable, int products, bool wait)
    {
        await rez.UpAsync();
        await RezAdministrator.LogInAsync(rez.Client);
        Assert.Equal(products, (await ShardsAsync(tenfold, guide)).Rows.Sum());
        using var over = new CancellationTokenSource();
        var names = new ConcurrentDictionary<int, string>();
        var load = Enumerable.Range(0, 3).Select(writer => WriteAndReadAsync(rez, writer, names, over.Token)).ToArray();

        tenfold[variable] = $"{to}";
        await RebalanceAsync(tenfold, guide, wait);
        await over.CancelAsync();
        await Task.WhenAll(load);

        var (databases, rows) = await ShardsAsync(tenfold, guide);
        Assert.Equal(to, databases.Length);
        Assert.All(rows, count => Assert.InRange(count, products / to / 2, products / to * 2));
        Assert.Equal(products, rows.Sum());
        Assert.True(names.Count > 20, $"only {names.Count} products were changed");
        foreach (var (id, name) in names)
        {
            Assert.Equal(name, await NameAsync(rez, id));
        }
    }

    /// <summary>Changes products one after the other, and reads each at once: what was answered is seen, whatever is moved meanwhile.</summary>
    private static async Task WriteAndReadAsync(RunningSystem rez, int writer, ConcurrentDictionary<int, string> names, CancellationToken over)
    {
        for (var i = 0; !over.IsCancellationRequested; i++)
        {
            var (id, name) = (1 + writer + (3 * (i * 7 % 600)), $"Name {writer}.{i}");
            using var changed = await rez.Client.PatchAsJsonAsync($"/api/products/{id}", new { name }, CancellationToken.None);
            Assert.True(changed.StatusCode == HttpStatusCode.OK, $"{(int)changed.StatusCode} {await changed.Content.ReadAsStringAsync(CancellationToken.None)}");
            names[id] = name;
            Assert.Equal(name, await NameAsync(rez, id));
        }
    }

    private static async Task<string> NameAsync(RunningSystem rez, int id) =>
        JsonNode.Parse(await rez.Client.GetStringAsync($"/api/products/{id}"))!["data"]!["name"]!.GetValue<string>();

    /// <summary>The one command that growing is.</summary>
    /// <param name="tenfold">The command.</param>
    /// <param name="guide">The system.</param>
    /// <param name="wait">Also for the end: half a minute after the last switch, until which the source's rows stay.</param>
    private static async Task RebalanceAsync(TenfoldCommand tenfold, string guide, bool wait)
    {
        if (wait)
        {
            await tenfold.SucceedAsync("shards", guide, "rebalance");
            return;
        }

        using var rebalance = tenfold.Start("shards", guide, "rebalance");
        var errors = rebalance.StandardError.ReadToEndAsync();
        var said = new List<string>();
        while (said.Count == 0 || !said[^1].Contains("rows stay for reads", StringComparison.Ordinal))
        {
            var line = await rebalance.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(2));
            Assert.True(line is not null, $"rebalance ended:\n{string.Join('\n', said)}\n{(rebalance.HasExited ? await errors : "")}");
            said.Add(line);
        }

        rebalance.Kill(entireProcessTree: true);
        await rebalance.WaitForExitAsync();
    }

    private static async Task<(int[] Databases, long[] Rows)> ShardsAsync(TenfoldCommand tenfold, string guide)
    {
        var report = JsonNode.Parse((await tenfold.SucceedAsync("shards", guide, "--json")).Output)!;
        var databases = report["databases"]!.AsArray();
        return ([.. databases.Select(database => database!["id"]!.GetValue<int>())], [.. databases.Select(database => database!["rows"]!.GetValue<long>())]);
    }
}
