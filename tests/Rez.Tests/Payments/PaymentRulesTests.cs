using Microsoft.Extensions.Configuration;
using Rez.Payments;
using Rez.Payments.Provider;

namespace Rez.Tests.Payments;

public sealed class PaymentRulesTests
{
    private const string Table =
        """
                     Succeeded  Declined  Unknown  NotSent  NotFound
        Processing   Pay        Decline   Ask      Decline  Nothing
        Unknown      Pay        Decline   Nothing  Decline  Nothing
        Succeeded    Nothing    Nothing   Nothing  Nothing  Nothing
        Declined     GiveBack   Nothing   Nothing  Nothing  Nothing
        Refunding    Nothing    Nothing   Nothing  Nothing  Nothing
        Refunded     Nothing    Nothing   Nothing  Nothing  Nothing
        """;

    [Fact]
    public void Every_answer_leads_where_the_table_says()
    {
        var lines = Table.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ToArray();
        Assert.Equal(Enum.GetNames<ChargeStatus>(), lines[0]);
        Assert.Equal(Enum.GetNames<PaymentState>(), lines[1..].Select(line => line[0]));
        foreach (var line in lines[1..])
        {
            for (var column = 0; column < lines[0].Length; column++)
            {
                var (state, said) = (Enum.Parse<PaymentState>(line[0]), Enum.Parse<ChargeStatus>(lines[0][column]));
                Assert.Equal((state, said, line[column + 1]), (state, said, PaymentRules.Next(state, said).ToString()));
            }
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.5, 1)]
    [InlineData(8, 8)]
    [InlineData(3600, 300)]
    public void The_provider_is_asked_again_after_as_long_as_it_has_taken(double age, double pause) =>
        Assert.Equal(TimeSpan.FromSeconds(pause), PaymentRules.Pause(TimeSpan.FromSeconds(age)));

    [Fact]
    public void Without_settings_there_is_no_provider_and_with_some_all_are_needed()
    {
        Assert.Null(Read());
        var options = Read(("Url", "https://api.stripe.com"), ("SecretKey", "sk"), ("WebhookSecret", "whsec"))!;
        Assert.Equal((new Uri("https://api.stripe.com/"), "usd", TimeSpan.FromSeconds(10), TimeSpan.FromMinutes(2)), (options.Url, options.Currency, options.Timeout, options.Horizon));
        foreach (var (name, value, problem) in new[]
                 {
                     ("Url", "", "Payments:Url is missing"), ("Url", "api.stripe.com", "it must be an http or https URL"), ("Url", "/provider", "TENFOLD_GATEWAY is not set"), ("WebhookSecret", "whsec_simulator", "which everybody knows"),
                     ("SecretKey", "", "Payments:SecretKey is missing"),
                     ("WebhookSecret", "", "Payments:WebhookSecret is missing"), ("Timeout", "10", "must be a time"), ("Horizon", "00:00:29", "three times Timeout"), ("Currency", "dollars", "three letters"), ("BreakerCalls", "1", "from 2"),
                 })
        {
            var settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["Url"] = "https://api.stripe.com/", ["SecretKey"] = "sk", ["WebhookSecret"] = "whsec", [name] = value };
            var wrong = Assert.Throws<InvalidOperationException>(() => Read([.. settings.Select(setting => (setting.Key, setting.Value))]));
            Assert.Contains(problem, wrong.Message, StringComparison.Ordinal);
        }
    }

    private static PaymentOptions? Read(params (string Name, string Value)[] settings) => PaymentOptions.Read(
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create("Payments:" + setting.Name, (string?)setting.Value))).Build());
}
