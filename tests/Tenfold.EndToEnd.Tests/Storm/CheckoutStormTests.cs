using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Tenfold.EndToEnd.Tests.Support;

namespace Tenfold.EndToEnd.Tests.Storm;

/// <summary>
/// A thousand buyers want one of a hundred units while instances, workers, the payment provider and the database are killed. The buyers' own
/// log, the provider's ledger and the stock must agree in the end.
/// </summary>
/// <remarks>kill -9 does not test what a power failure does to the disk.</remarks>
[Trait("Suite", "soak")]
public sealed class CheckoutStormTests
{
    private const int Buyers = 1_000;
    private const int Units = 100;
    private const long Product = 7;
    private const int Seed = 20_261_122;

    private static readonly TimeSpan Healed = TimeSpan.FromMinutes(6);

    private static string Guide => Path.Combine(Repository.Root, "tests", "Tenfold.EndToEnd.Tests", "Storm", "tenfold.yaml");

    [Fact]
    public async Task A_hundred_units_are_sold_once_each_and_paid_for_once_each_whatever_is_killed()
    {
        var tenfold = new TenfoldCommand { ["REZ"] = Built("rez.dll"), ["SIMULATOR"] = Built("payment-simulator.dll") };
        await using var shop = new RunningSystem(tenfold, Guide);
        await shop.UpAsync();
        var tokens = await TokensAsync(tenfold);
        using var admin = new HttpClient { BaseAddress = shop.Address };
        await RezAdministrator.LogInAsync(admin);
        var before = await StockAsync(shop, admin);

        using var log = new BuyersLog(Path.Combine(tenfold.StateFolder, "buyers.jsonl"));
        using var client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = Buyers }) { BaseAddress = shop.Address, Timeout = TimeSpan.FromSeconds(15) };
        Buyer[] buyers = [.. tokens.Select((token, number) => new Buyer(client, number, token, Product, log))];
        using var over = new CancellationTokenSource(Healed);

        // All at once, while everything is killed in turn; then those who were told that it is sold out come again, as what the dead had
        // held becomes free.
        var killed = new List<string>();
        using var calm = new CancellationTokenSource();
        var killing = KillAsync(shop, killed, calm.Token);
        await Task.WhenAll(buyers.Select(buyer => buyer.BuyAsync(over.Token)));
        await calm.CancelAsync();
        await killing;
        while ((await ShownStockAsync(shop, admin)).Sold < before.Sold + Units)
        {
            await Task.WhenAll(buyers.Where(buyer => !buyer.IsPaid).Take(2 * Units).Select(buyer => buyer.BuyAsync(over.Token)));
            await Task.Delay(TimeSpan.FromSeconds(1), over.Token);
        }

        // Whoever was killed is replaced, and everything that was killed had been there.
        await shop.ReadyAsync("api", 3);
        await shop.ReadyAsync("worker", 2);
        await shop.ReadyAsync("provider", 1);
        Assert.All(["api", "worker", "provider", "main"], kind => Assert.Contains(killed, one => one.StartsWith(kind, StringComparison.Ordinal)));

        await Wait.ForAsync("nothing to be reserved any more", async () => (await ShownStockAsync(shop, admin)).Reserved == 0, Healed);
        Assert.Equal(before with { Available = 0, Sold = before.Sold + Units }, await ShownStockAsync(shop, admin));
        await JudgeAsync(shop, buyers, log.Close());
    }

    private static async Task JudgeAsync(RunningSystem shop, Buyer[] buyers, IReadOnlyList<LogLine> log)
    {
        Assert.DoesNotContain(log, line => line.Outcome is Outcome.Intent or Outcome.Unknown);
        var paid = new HashSet<string>(StringComparer.Ordinal);
        foreach (var buyer in buyers)
        {
            // An order for each request that was answered well, and no other one.
            var placed = log.Where(line => line.Buyer == buyer.Number && line is { What: "order", Outcome: Outcome.Ok }).Select(line => line.Id!);
            var shown = await buyer.OrdersAsync(CancellationToken.None);
            Assert.Equal(placed.Order(StringComparer.Ordinal), shown.Keys.Order(StringComparer.Ordinal));
            Assert.All(shown.Values, status => Assert.Contains(status, new[] { "paid", "cancelled" }));
            Assert.Equal(buyer.IsPaid, shown.Values.Contains("paid", StringComparer.Ordinal));
            paid.UnionWith(shown.Where(order => order.Value == "paid").Select(order => order.Key));
        }

        Assert.Equal(Units, paid.Count);
        Assert.Equal(paid.Count, buyers.Count(buyer => buyer.IsPaid)); // nobody has two

        // What a card was charged and not given back: the paid orders' totals, once each, and nothing else.
        var charged = await Wait.ForAsync("every charge without an order to be given back", async () =>
        {
            var net = await NetChargesAsync(shop);
            return net.Keys.All(paid.Contains) ? net : null;
        }, Healed);
        Assert.Equal(paid.Order(StringComparer.Ordinal), charged.Keys.Order(StringComparer.Ordinal));
        Assert.Single(charged.Values.Distinct());
    }

    /// <summary>By order: the cents that were charged and not given back; orders with none are left out. An order with two charges fails.</summary>
    private static async Task<IReadOnlyDictionary<string, long>> NetChargesAsync(RunningSystem shop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/provider/ledger");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "sk_storm");
        using var response = await shop.Client.SendAsync(request);
        var charges = JsonNode.Parse(await response.Content.ReadAsStringAsync())!["charges"]!.AsArray()
            .Select(charge => (Order: charge!["metadata"]!["order"]!.GetValue<string>(), Net: charge["amount_received"]!.GetValue<long>() - (charge["amount_refunded"]?.GetValue<long>() ?? 0)))
            .Where(charge => charge.Net > 0)
            .ToList();
        Assert.Equal(charges.Count, charges.Select(charge => charge.Order).Distinct(StringComparer.Ordinal).Count());
        return charges.ToDictionary(charge => charge.Order, charge => charge.Net, StringComparer.Ordinal);
    }

    /// <summary>kill -9, in a random order that depends on the seed alone: an instance, a worker, the provider or the database every second.</summary>
    private static async Task KillAsync(RunningSystem shop, List<string> killed, CancellationToken calm)
    {
        var random = new Random(Seed);
        string[] kinds = ["api", "provider", "worker", "main"]; // each at least once
        for (var i = 0; i < kinds.Length || !calm.IsCancellationRequested; i++)
        {
            var kind = i < kinds.Length ? kinds[i] : kinds[random.Next(kinds.Length)];
            if (await VictimAsync(shop, kind, random) is var (name, pid))
            {
                await Signals.SendAsync("KILL", pid);
                killed.Add(name);
            }

            await Task.Delay(TimeSpan.FromSeconds(kind == "main" ? 4 : 1), CancellationToken.None);
            if (i > 40)
            {
                return;
            }
        }
    }

    private static async Task<(string Name, int Pid)?> VictimAsync(RunningSystem shop, string kind, Random random)
    {
        var status = await shop.StatusAsync();
        if (kind == "main")
        {
            var store = status["stores"]!.AsArray().Single(one => one!["name"]!.GetValue<string>() == kind)!;
            return store["ready"]!.GetValue<bool>() ? (kind, store["pid"]!.GetValue<int>()) : null;
        }

        var ready = (await shop.ReadyAsync(kind)).OrderBy(one => one.Key, StringComparer.Ordinal).ToList();
        return ready.Count > 0 && ready[random.Next(ready.Count)] is var (name, pid) ? (name, pid) : null;
    }

    private static async Task<IReadOnlyList<string>> TokensAsync(TenfoldCommand tenfold)
    {
        var csv = (await tenfold.SucceedAsync("run", Guide, "api", "--", "dotnet", Built("rez.dll"), "tokens", "--count", Buyers.ToString(CultureInfo.InvariantCulture))).Output;
        string[] tokens = [.. csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(',')[1])];
        Assert.Equal(Buyers, tokens.Length);
        return tokens;
    }

    /// <summary>Makes it a hundred units.</summary>
    private static async Task<Stock> StockAsync(RunningSystem shop, HttpClient staff)
    {
        using var set = await staff.PutAsJsonAsync($"/api/products/{Product}/stock", new { change = Units - (await ShownStockAsync(shop, staff)).Available });
        Assert.True(set.IsSuccessStatusCode, await set.Content.ReadAsStringAsync());
        var stock = await ShownStockAsync(shop, staff);
        Assert.Equal((Units, 0), (stock.Available, stock.Reserved));
        return stock;
    }

    private static async Task<Stock> ShownStockAsync(RunningSystem shop, HttpClient staff)
    {
        var stock = JsonNode.Parse(await staff.GetStringAsync(new Uri(shop.Address, $"/api/products/{Product}/stock")))!["data"]!;
        return new Stock(stock["received"]!.GetValue<int>(), stock["available"]!.GetValue<int>(), stock["reserved"]!.GetValue<int>(), stock["sold"]!.GetValue<int>());
    }

    private static string Built(string assembly) => Path.Combine(AppContext.BaseDirectory, assembly);

    private sealed record Stock(int Received, int Available, int Reserved, int Sold);
}
