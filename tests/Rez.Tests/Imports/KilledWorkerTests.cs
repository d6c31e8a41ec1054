using System.Diagnostics;
using Rez.Imports;

namespace Rez.Tests.Imports;

[Collection(nameof(Warehouse))]
public sealed class KilledWorkerTests(Warehouse warehouse)
{
    private const int Seed = 20_261;

    [Fact]
    [Trait("Suite", "soak")] // in ./test, Tenfold.Jobs.Tests kills workers
    public async Task An_import_under_kill_9_of_the_worker_ends_with_exactly_the_right_catalogue() => await RunAsync(products: 5_000, kills: 1, database: 1);

    [Theory]
    [Trait("Suite", "soak")]
    [InlineData(0)]
    [InlineData(1)]
    public async Task The_import_of_100_000_products_under_kill_9_of_the_worker_ends_with_exactly_the_right_catalogue(int database) => await RunAsync(products: 100_000, kills: 10, database);

    private async Task RunAsync(int products, int kills, int database)
    {
        var random = new Random(Seed);
        var merchant = warehouse.Merchant(database, 8);
        // Every tenth product is there before, in another version.
        var before = Enumerable.Range(1, products / 10).Select(n => n * 10).ToList();
        await warehouse.ImportAsync(merchant, Warehouse.Csv(before, version: 1));
        var others = (long)(await warehouse.ScalarAsync(0, "SELECT count(*) FROM products"))! - before.Count;

        var import = await warehouse.ReceivedAsync(merchant, Warehouse.Csv(Enumerable.Range(1, products), version: 2));
        var clock = Stopwatch.StartNew();
        var progress = new List<int>();
        await using var gate = await warehouse.GateAsync(merchant);
        for (var kill = 1; kill <= kills; kill++)
        {
            // The worker goes on piece by piece until it has done so much; then it is killed at a random moment of the next ones.
            var least = (int)((kill - random.NextDouble()) * products / (kills + 1));
            await ImportTests.UntilAsync($"{least} lines are done", async () =>
            {
                await gate.CloseAsync();
                var now = await warehouse.FindAsync(import.Id);
                if (now.Done >= least && now.Done > progress.LastOrDefault())
                {
                    progress.Add(now.Done);
                    return true;
                }

                await gate.OpenAsync();
                return false;
            });
            await gate.OpenAsync();
            await Task.Delay(random.Next(60));
            await warehouse.KillWorkerAsync();
        }

        Assert.True(progress[0] < products, $"the worker was not killed while it worked: {string.Join(", ", progress)} of {products}");
        var ended = await warehouse.EndedAsync(import.Id, TimeSpan.FromMinutes(5));
        TestContext.Current.TestOutputHelper!.WriteLine($"{products} products in {clock.Elapsed.TotalSeconds:0.0} s, killed after {string.Join(", ", progress)} lines");

        Assert.Equal(("completed", products - before.Count, before.Count, 0, 0), (ended.State, ended.Created, ended.Updated, ended.Unchanged, ended.Rejected));
        var catalogue = await warehouse.CatalogueAsync(merchant);
        Assert.Equal(products, catalogue.Count);
        for (var n = 1; n <= products; n++)
        {
            var (name, cents, version) = catalogue[$"sku-{n}"];
            Assert.Equal((true, ((1 + (n % 900)) * 100) + 2, n % 10 == 0 ? 2 : 1), (name.EndsWith($" {n}, v2", StringComparison.Ordinal), cents, version));
        }

        Assert.Equal(others + products, await warehouse.ScalarAsync(0, "SELECT count(*) FROM products"));
        Assert.Equal(0L, await warehouse.ScalarAsync(0, $"SELECT count(*) FROM products WHERE merchant_id = {merchant} AND NOT (json::jsonb @> jsonb_build_object('id', id, 'name', name, 'version', version, 'price', price_cents / 100.0))"));
        Assert.Equal(0, await warehouse.WrongCountersAsync());
        Assert.Equal(0, await warehouse.CountAsync("SELECT count(*) FROM import_rows"));
        Assert.Equal(0, await warehouse.CountAsync("SELECT count(*) FROM merchant_products WHERE published < version"));
    }
}
