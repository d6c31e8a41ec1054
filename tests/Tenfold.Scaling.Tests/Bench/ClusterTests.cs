using FsCheck;
using FsCheck.Fluent;
using ScalingDriver.Model;

namespace Tenfold.Scaling.Tests.Bench;

/// <summary>The bench's model of a service.</summary>
public sealed class ClusterTests
{
    private static readonly InstanceModel Model = new() { StartSpread = 0 };

    [Fact]
    public void A_new_instance_gets_nothing_until_it_is_ready_and_little_at_first()
    {
        var cluster = new Cluster(Model, 1);
        cluster.ScaleTo(2);
        var shares = new List<double>();
        for (var second = 0; second < 25; second++)
        {
            cluster.Step(80);
            cluster.EndPeriod();
            shares.Add(cluster.Look(default, TimeSpan.FromSeconds(1)).Instances[1].RequestsPerSecond!.Value / 80);
        }

        Assert.All(shares[..10], share => Assert.Equal(0, share));
        Assert.Equal(1 / 11.0, shares[10], 1e-9);
        Assert.InRange(shares[15], 0.3, 0.4);
        Assert.Equal(0.5, shares[20], 1e-9);
    }

    [Fact]
    public void An_instance_that_leaves_gets_nothing_works_off_what_waits_and_is_paid_for_until_it_is_gone()
    {
        var cluster = new Cluster(Model, 2);
        cluster.Step(600); // 200 wait at each
        cluster.ScaleTo(1);

        Assert.Equal((1, 2, 400), (cluster.Count, cluster.Paid, cluster.Backlog));
        var failed = 0.0;
        for (var second = 0; second < 29; second++)
        {
            failed += cluster.Step(0).Failed;
        }

        Assert.Equal((2, 0), (cluster.Paid, cluster.Backlog));
        cluster.Step(0);
        Assert.Equal((1, 0), (cluster.Paid, failed));
    }

    [Fact]
    public void Those_that_start_leave_first()
    {
        var cluster = new Cluster(Model, 2);
        cluster.ScaleTo(4);
        cluster.ScaleTo(2);

        Assert.Equal([InstancePhase.Ready, InstancePhase.Ready, InstancePhase.Leaving, InstancePhase.Leaving], cluster.Look(default, TimeSpan.FromSeconds(1)).Instances.Select(one => one.Phase));
    }

    [Fact]
    public void No_request_is_lost_or_made_while_instances_come_and_go() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonEmptyArray<PositiveInt>>(),
        counts =>
        {
            var cluster = new Cluster(Model, 3);
            double arrived = 0, served = 0, failed = 0;
            for (var second = 0; second < 200; second++)
            {
                var count = counts.Get[second / 20 % counts.Get.Length].Get;
                var load = count * 137 % 1500;
                var result = cluster.Step(load);
                (arrived, served, failed) = (arrived + load, served + result.Served, failed + result.Failed);
                if (second % 20 == 0)
                {
                    cluster.ScaleTo(count % 12);
                }
            }

            Assert.Equal(arrived, served + failed + cluster.Backlog, 1e-6);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Without_a_ready_instance_requests_fail()
    {
        var cluster = new Cluster(Model, 0);
        cluster.ScaleTo(1);

        Assert.Equal(new Second(0, 50, false), cluster.Step(50));
        Assert.True(cluster.Step(50).IsViolation);
    }

    [Theory]
    [InlineData(70, false)]
    [InlineData(91, false)]
    [InlineData(94, true)] // p95 = 20 ms + 3.0 x 10 ms / (1 - 0.94)
    public void A_second_is_a_violation_when_p95_is_over_the_budget(double load, bool isViolation) =>
        Assert.Equal(isViolation, new Cluster(Model, 1).Step(load).IsViolation);

    [Fact]
    public void Policies_see_what_the_period_was_like()
    {
        var cluster = new Cluster(Model with { CpuNoise = 0 }, 2);
        for (var second = 0; second < 15; second++)
        {
            cluster.Step(140);
        }

        cluster.EndPeriod();
        cluster.Step(9999); // the next period is not seen yet
        var seen = cluster.Look(default, TimeSpan.FromSeconds(15));

        Assert.All(seen.Instances, one => Assert.Equal((0.7, 70), (Math.Round(one.Cpu!.Value, 9), one.RequestsPerSecond)));
        Assert.Equal(140, seen.Traffic!.Value.RequestsPerSecond);
        Assert.Equal(2 * Model.InFlightAt(0.7), seen.Traffic!.Value.InFlight, 1e-9);
        Assert.Equal(0.02 + (0.01 / 0.3), seen.Traffic!.Value.Average!.Value, 1e-9);
        Assert.Equal(10, seen.StartTime!.Value.TotalSeconds, 1e-6);
    }
}
