using Tenfold.Guide;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.Tests.Stores;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Tests.Scaling;

/// <summary>Rules that change the number of replicas of a real server, by the processor time that they use.</summary>
public sealed class ReplicaScalerTests : IAsyncDisposable
{
    private readonly Replicated _main = new();

    public ValueTask DisposeAsync() => _main.DisposeAsync();

    [Fact]
    public async Task A_replica_that_is_busy_gets_company_which_goes_again_when_it_is_idle()
    {
        var atOnce = new ScaleRate { Window = TimeSpan.Zero, Policies = [new ScaleRateLimit { Instances = 1, Every = TimeSpan.FromSeconds(1) }] };
        var scale = new StoreScale { Max = 2, Metrics = [new ScaleMetric { Metric = ScalingMetric.Cpu, Target = new ScaleTarget(0.5, ScaleUnit.Share) }], Out = atOnce, In = atOnce };
        await _main.StartAsync(replicas: 1, scale: scale, cpu: new Cpu(200));
        var decisions = new List<Decision>();
        var database = Assert.Single(_main.Scaled());
        Assert.SkipWhen(database.Primary.Node.CpuTime is null, "no control groups here to hold a share of the processor");
        var scaler = new ReplicaScaler(database, (_, decision) => Add(decision), _ => Assert.Fail("nothing goes wrong"), TimeProvider.System);

        // Somebody reads all the time.
        using var enough = new CancellationTokenSource();
        var reading = ReadAsync(_main.On("main.1"), enough.Token);
        await DecideUntilAsync(scaler, () => database.WantedReplicas == 2);
        await enough.CancelAsync();
        await reading;
        Assert.Equal((1, 2), (decisions[0].From, decisions[0].To));
        Assert.StartsWith("cpu at ", decisions[0].Reason, StringComparison.Ordinal);
        await Limits.UntilAsync(() => _main.Status().Count(one => one is { IsReady: true, Streams: true }) == 2, "the second replica to follow");

        await DecideUntilAsync(scaler, () => database.WantedReplicas == 1);
        await Limits.UntilAsync(() => _main.Status().Count == 2, "it to leave");

        // By hand, whatever the rules say.
        await _main.ScaleAsync(2);
        scaler.Pin(2, from: 1);
        Assert.Equal((2, ScalingLimit.Pin), (scaler.Decide().To, decisions[^1].Limit));

        ScalingDecision Add(Decision decision)
        {
            decisions.Add(decision);
            return new ScalingDecision(decisions.Count, decision.At, "main", decision.From, decision.To, decision.Wanted, decision.Limit, decision.Reason);
        }
    }

    // As its own loop does, but twice a second.
    private static Task DecideUntilAsync(ReplicaScaler scaler, Func<bool> condition) => Limits.UntilAsync(
        condition,
        async () =>
        {
            scaler.Decide();
            await Task.Delay(500);
        },
        "the rules to decide so");

    private static async Task ReadAsync(string replica, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            await Replicated.QueryAsync(replica, "SELECT count(*) FROM generate_series(1, 300000)");
        }
    }
}
