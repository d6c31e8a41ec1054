using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Scaling;

/// <summary>Numbers of instances follow the load, and nobody who sends requests or jobs sees it. What is quick of it is in Tenfold.Runtime.Tests.</summary>
public sealed class ScalingTests
{
    private static string Guide(string file) => Path.Combine(Repository.Root, "tests", "Tenfold.EndToEnd.Tests", "Scaling", file);

    [Fact]
    [Trait("Suite", "soak")]
    public async Task Ten_times_the_load_brings_instances_and_a_kill_of_a_third_of_them_fails_no_request()
    {
        var tenfold = new TenfoldCommand();
        await using var web = new RunningSystem(tenfold, Guide("tenfold.yaml"));
        await web.UpAsync();
        var report = await web.LoadWhileAsync("steady", async () =>
        {
            var grown = await UntilAsync(web, ready => ready.Count >= 3);
            var victims = grown.Values.Take(grown.Count / 3).ToArray();
            foreach (var victim in victims)
            {
                await Signals.SendAsync("KILL", victim);
            }

            await UntilAsync(web, ready => ready.Count >= 3 && !ready.Values.Intersect(victims).Any());
        });
        Assert.True(report["total"]!["errors"]!.GetValue<long>() == 0, $"requests failed: {report}");
        Assert.True(report["total"]!["count"]!.GetValue<long>() > 200, $"hardly any request was sent: {report}");
        Assert.Contains(report["scaling"]!.AsArray(), mark => mark!["to"]!.GetValue<int>() >= 3); // marks of what was decided meanwhile

        await web.ReadyAsync("web", 1); // the load is over
        await tenfold.SucceedAsync("down", Guide("tenfold.yaml"));
        var decisions = await tenfold.SucceedAsync("decisions", Guide("tenfold.yaml"), "--json", "--service", "web");
        var last = JsonNode.Parse(decisions.Output.Trim().Split('\n')[^1])!;
        Assert.Equal(1, last["to"]!.GetValue<int>());
    }

    [Fact]
    [Trait("Suite", "soak")]
    public async Task Workers_come_with_jobs_and_go_with_them_and_no_job_is_lost()
    {
        const int Imports = 30;
        const int Rows = 500;
        var tenfold = new TenfoldCommand();
        await using var rez = new RunningSystem(tenfold, Guide("workers.yaml"));
        await rez.UpAsync();
        await RezAdministrator.LogInAsync(rez.Client);
        Assert.Empty(await rez.ReadyAsync("worker"));
        for (var merchant = 1; merchant <= Imports; merchant++)
        {
            await ImportAsync(rez, merchant, Rows);
        }

        var most = await UntilAsync(rez, ready => ready.Count == 3, "worker");
        await Signals.SendAsync("KILL", most.Values.First());
        var imports = await Wait.ForAsync("all imports to be done", async () =>
        {
            var all = await Task.WhenAll(Enumerable.Range(1, Imports).Select(merchant => ImportOfAsync(rez, merchant)));
            return Array.TrueForAll(all, import => import["state"]!.GetValue<string>() == "completed") ? all : null;
        }, TimeSpan.FromMinutes(5));
        Assert.All(imports, import => Assert.Equal(Rows, import["created"]!.GetValue<int>()));
        Assert.Empty(await UntilAsync(rez, ready => ready.Count == 0, "worker"));
    }

    private static async Task ImportAsync(RunningSystem rez, int merchant, int rows)
    {
        using var file = new StringContent(
            "sku,name,brand,price,categoryId\n" + string.Concat(Enumerable.Range(1, rows).Select(n => $"scale-{n},Scaled {n},Brand,9.50,22\n")), new MediaTypeHeaderValue("text/csv"));
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/merchants/{merchant}/import") { Content = file, Headers = { { "Idempotency-Key", Guid.NewGuid().ToString() } } };
        using var taken = await rez.Client.SendAsync(request);
        Assert.True(taken.StatusCode == HttpStatusCode.Accepted, await taken.Content.ReadAsStringAsync());
    }

    private static async Task<JsonNode> ImportOfAsync(RunningSystem rez, int merchant) =>
        JsonNode.Parse(await rez.Client.GetStringAsync($"/api/merchants/{merchant}/imports"))!["data"]!.AsArray().Single()!;

    private static Task<IReadOnlyDictionary<string, int>> UntilAsync(RunningSystem system, Func<IReadOnlyDictionary<string, int>, bool> condition, string service = "web") =>
        Wait.ForAsync($"instances of {service}", async () => await system.ReadyAsync(service) is { } ready && condition(ready) ? ready : null, TimeSpan.FromMinutes(2));
}
