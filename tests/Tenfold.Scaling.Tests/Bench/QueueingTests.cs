using FsCheck;
using FsCheck.Fluent;
using ScalingDriver.Model;

namespace Tenfold.Scaling.Tests.Bench;

/// <summary>The bench's model of one instance, against what is known of queues.</summary>
public sealed class QueueingTests
{
    [Theory]
    [InlineData(0, 10)]
    [InlineData(0.5, 20)]
    [InlineData(0.7, 33.333)]
    [InlineData(0.9, 100)]
    [InlineData(0.98, 500)]
    [InlineData(1.5, 500)] // no steady state: the rest is a backlog
    public void Below_its_capacity_an_instance_is_a_processor_sharing_queue(double busy, double milliseconds) =>
        Assert.Equal(milliseconds, Queueing.Sojourn(0.01, busy) * 1000, 0.001);

    [Theory]
    [InlineData(0, 70, 70, 70, 0, 0)]
    [InlineData(0, 150, 150, 100, 0, 50)]
    [InlineData(50, 70, 70, 100, 0, 20)]
    [InlineData(1000, 150, 100, 100, 50, 1000)] // ten seconds of work wait: what comes beside what is done fails
    [InlineData(1000, 0, 0, 100, 0, 900)]
    [InlineData(0, 5000, 1100, 100, 3900, 1000)]
    public void Beyond_its_capacity_work_piles_up_and_has_to_be_worked_off(double backlog, double arriving, double accepted, double served, double failed, double left) =>
        Assert.Equal(new FluidStep(accepted, served, failed, left), Queueing.Step(backlog, arriving, 100, 10));

    [Fact]
    public void No_request_is_lost_or_made() => Prop.ForAll(
        ArbMap.Default.ArbFor<NonEmptyArray<PositiveInt>>(),
        loads =>
        {
            double backlog = 0, arrived = 0, served = 0, failed = 0;
            foreach (var load in loads.Get)
            {
                var step = Queueing.Step(backlog, load.Get * 37 % 500, 100, 10);
                (arrived, served, failed) = (arrived + (load.Get * 37 % 500), served + step.Served, failed + step.Failed);
                backlog = step.Backlog;
                Assert.InRange(step.Served, 0, 100);
                Assert.InRange(backlog, 0, 1000);
            }

            Assert.Equal(arrived, served + failed + backlog, 1e-6);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void In_flight_follows_from_Littles_law() =>
        Assert.Equal(70 * (0.02 + (0.01 / 0.3)), new InstanceModel().InFlightAt(0.7), 1e-9);

    [Fact]
    public void Percentiles_are_those_of_the_mixture()
    {
        var latencies = new Latencies();
        latencies.Add(50, 0.02, 0.03);
        latencies.Add(50, 0.02, 0.03);
        Assert.Equal(0.02 - (0.03 * Math.Log(0.05)), latencies.Percentile(0.95)!.Value, 1e-6);
        Assert.Equal(0.05, latencies.Average!.Value, 1e-9);

        latencies.Add(10, 2, 0.01); // a tenth waits at an instance that is behind
        Assert.InRange(latencies.Percentile(0.95)!.Value, 2, 2.02);
        Assert.Equal(10 / 110.0, latencies.ShareBeyond(1), 1e-6);
        latencies.Clear();
        Assert.Null(latencies.Percentile(0.95));
    }
}
