using Rez.Payments;
using Rez.Payments.Provider;
using Tenfold.Postgres.Shards;

namespace Rez.Tests.Payments;

public sealed class BreakerTests
{
    [Fact]
    public async Task A_provider_that_fails_is_left_alone_and_tried_again_later()
    {
        var file = Path.Combine(Path.GetTempPath(), Guid.NewGuid() + ".jsonl");
        await using var simulator = await Simulator.StartAsync(file);
        using var provider = new StripeProvider(
            new PaymentOptions { Url = simulator.Http.BaseAddress!, SecretKey = Simulator.SecretKey, WebhookSecret = "", BreakerCalls = 4, BreakerPause = TimeSpan.FromMilliseconds(500) }, TimeProvider.System);
        using (simulator.Misbehaving(new() { Errors = 1 }))
        {
            for (var i = 1; i <= 4; i++)
            {
                Assert.Null(provider.Refusal);
                Assert.Equal(ChargeStatus.Unknown, (await ChargeAsync(i)).Status);
            }

            Assert.NotNull(provider.Refusal);
            Assert.Equal(ChargeStatus.NotSent, (await ChargeAsync(5)).Status); // nobody was asked
        }

        ChargeAnswer said;
        using var limit = new CancellationTokenSource(Shop.Wait);
        for (var id = 6; (said = await ChargeAsync(id)).Status != ChargeStatus.Succeeded; id++)
        {
            Assert.Equal(ChargeStatus.NotSent, said.Status);
            await Task.Delay(50, limit.Token);
        }

        Assert.Null(provider.Refusal);
        Assert.Equal((1, 0, 100), await simulator.LedgerAsync("1"));
        File.Delete(file);

        Task<ChargeAnswer> ChargeAsync(long id) =>
            provider.ChargeAsync(new Payment(new ShardId(id), new ShardId(1), new ShardId(1), 100, PaymentState.Processing, null, null, 0, 0, default, default), "pm_ok", CancellationToken.None);
    }
}
