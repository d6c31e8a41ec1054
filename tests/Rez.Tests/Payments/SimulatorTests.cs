using System.Text;
using System.Text.Json;
using PaymentSimulator;

namespace Rez.Tests.Payments;

public sealed class SimulatorTests(Shop shop)
{
    [Fact]
    public async Task A_key_charges_once_however_often_it_comes()
    {
        var key = Guid.NewGuid().ToString();
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => shop.Provider.PostAsync("/v1/payment_intents", key, Charge("pm_ok", 1250, key))));
        var charged = answers.Where(answer => answer.Status == 200).ToList();
        Assert.NotEmpty(charged);
        Assert.Single(charged.Select(answer => answer.Body.GetProperty("id").GetString()).Distinct());
        Assert.All(answers.Where(answer => answer.Status != 200), answer => Assert.Equal((409, "idempotency_key_in_use"), (answer.Status, answer.Body.GetProperty("error").GetProperty("code").GetString())));
        Assert.Equal((1, 0, 1250), await shop.Provider.LedgerAsync(key));
        var again = await shop.Provider.PostAsync("/v1/payment_intents", key, Charge("pm_ok", 1250, key));
        Assert.Equal((200, true, charged[0].Body.GetProperty("id").GetString()), (again.Status, again.IsReplay, again.Body.GetProperty("id").GetString()));
        var other = await shop.Provider.PostAsync("/v1/payment_intents", key, Charge("pm_ok", 1251, key));
        Assert.Equal((400, "idempotency_error"), (other.Status, other.Body.GetProperty("error").GetProperty("type").GetString()));
        Assert.Equal((1, 0, 1250), await shop.Provider.LedgerAsync(key));
    }

    [Fact]
    public async Task No_more_is_given_back_than_was_charged()
    {
        var order = Guid.NewGuid().ToString();
        var id = (await shop.Provider.PostAsync("/v1/payment_intents", null, Charge("pm_ok", 1000, order))).Body.GetProperty("id").GetString()!;
        Assert.Equal(200, (await shop.Provider.PostAsync("/v1/refunds", null, ("payment_intent", id), ("amount", "400"))).Status);
        Assert.Equal(400, (await shop.Provider.PostAsync("/v1/refunds", null, ("payment_intent", id), ("amount", "601"))).Status);
        Assert.Equal(200, (await shop.Provider.PostAsync("/v1/refunds", null, ("payment_intent", id))).Status);
        var (status, body, _) = await shop.Provider.PostAsync("/v1/refunds", null, ("payment_intent", id));
        Assert.Equal((400, "charge_already_refunded"), (status, body.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal((1, 2, 0), await shop.Provider.LedgerAsync(order));
    }

    [Fact]
    public async Task What_is_only_reserved_is_taken_by_a_capture_and_given_up_by_a_cancel()
    {
        var order = Guid.NewGuid().ToString();
        (string, string)[] reserve = [.. Charge("pm_ok", 700, order), ("capture_method", "manual")];
        var (taken, given) = ((await shop.Provider.PostAsync("/v1/payment_intents", null, reserve)).Body.GetProperty("id").GetString(), (await shop.Provider.PostAsync("/v1/payment_intents", null, reserve)).Body.GetProperty("id").GetString());
        Assert.Equal((0, 0, 0), await shop.Provider.LedgerAsync(order));
        Assert.Equal("succeeded", (await shop.Provider.PostAsync($"/v1/payment_intents/{taken}/capture", null)).Body.GetProperty("status").GetString());
        Assert.Equal("canceled", (await shop.Provider.PostAsync($"/v1/payment_intents/{given}/cancel", null)).Body.GetProperty("status").GetString());
        Assert.Equal(400, (await shop.Provider.PostAsync($"/v1/payment_intents/{given}/capture", null)).Status);
        Assert.Equal(400, (await shop.Provider.PostAsync($"/v1/payment_intents/{taken}/cancel", null)).Status);
        Assert.Equal((1, 0, 700), await shop.Provider.LedgerAsync(order));
    }

    [Fact]
    public async Task What_it_has_acknowledged_outlives_it_and_a_line_that_was_being_written_does_not()
    {
        var file = Path.Combine(Path.GetTempPath(), Guid.NewGuid() + ".jsonl");
        JsonElement charged;
        await using (var first = await Simulator.StartAsync(file))
        {
            charged = (await first.PostAsync("/v1/payment_intents", "k", Charge("pm_ok", 500, "o"))).Body;
            await first.PostAsync("/v1/refunds", "r", ("payment_intent", charged.GetProperty("id").GetString()!), ("amount", "200"));
        }

        await File.AppendAllTextAsync(file, "{\"intent\":{\"id\":\"pi_to", Encoding.UTF8);
        await using (var second = await Simulator.StartAsync(file))
        {
            var again = await second.PostAsync("/v1/payment_intents", "k", Charge("pm_ok", 500, "o"));
            Assert.Equal((200, true), (again.Status, again.IsReplay));
            Assert.Equal(charged.GetRawText(), again.Body.GetRawText());
            Assert.Equal((1, 1, 300), await second.LedgerAsync("o"));
            await second.PostAsync("/v1/payment_intents", "k2", Charge("pm_ok", 100, "o"));
        }

        await using (var third = await Simulator.StartAsync(file))
        {
            Assert.Equal((2, 1, 400), await third.LedgerAsync("o"));
        }

        File.Delete(file);
    }

    [Theory]
    [InlineData("amount", "0")]
    [InlineData("amount", "1.5")]
    [InlineData("currency", "dollars")]
    [InlineData("confirm", "false")]
    [InlineData("payment_method", "pm_unheard_of")]
    [InlineData("capture_method", "later")]
    [InlineData("nonsense", "1")]
    public async Task A_request_that_makes_no_sense_is_refused_and_charges_nothing(string name, string value)
    {
        var order = Guid.NewGuid().ToString();
        var answer = await shop.Provider.PostAsync("/v1/payment_intents", null, [.. Charge("pm_ok", 100, order).Where(field => field.Name != name), (name, value)]);
        Assert.Equal((400, "invalid_request_error"), (answer.Status, answer.Body.GetProperty("error").GetProperty("type").GetString()));
        Assert.Equal((0, 0, 0), await shop.Provider.LedgerAsync(order));
    }

    [Fact]
    public async Task Nobody_gets_in_without_the_key()
    {
        using var stranger = new HttpClient { BaseAddress = shop.Provider.Http.BaseAddress };
        foreach (var path in new[] { "/ledger", "/control", "/v1/payment_intents/search?query=x" })
        {
            using var response = await stranger.GetAsync(path);
            Assert.Equal(401, (int)response.StatusCode);
        }
    }

    [Fact]
    public void The_same_seed_draws_the_same_fates()
    {
        static string Draw(int seed)
        {
            var fates = new Fates { Control = new Control { Seed = seed, Declines = 0.3, Errors = 0.2, Resets = 0.2, DelayMost = 50 } };
            return string.Join(';', Enumerable.Range(0, 50).Select(_ => fates.OfCharge("pm_ok")));
        }

        Assert.Equal(Draw(7), Draw(7));
        Assert.NotEqual(Draw(7), Draw(8));
    }

    internal static (string Name, string Value)[] Charge(string method, long cents, string order) =>
        [("amount", cents.ToString()), ("currency", "usd"), ("confirm", "true"), ("payment_method", method), ("metadata[order]", order)];
}
