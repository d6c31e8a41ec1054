using Tenfold.Guide;
using Tenfold.Runtime.Cgroups;
using Tenfold.Runtime.Instances;
using Tenfold.Runtime.Scaling;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Tests.Scaling;

public sealed class SamplingTests
{
    [Theory]
    [InlineData(InstanceState.Starting, 0, false, null, InstancePhase.Starting)]
    [InlineData(InstanceState.Starting, 2, false, null, InstancePhase.Unready)] // it has died before
    [InlineData(InstanceState.Waiting, 1, false, null, InstancePhase.Unready)]
    [InlineData(InstanceState.CrashLoop, 5, false, null, InstancePhase.Unready)]
    [InlineData(InstanceState.Ready, 0, false, null, InstancePhase.Ready)]
    [InlineData(InstanceState.Ready, 0, false, Gateway.InstanceState.Ready, InstancePhase.Ready)]
    [InlineData(InstanceState.Ready, 0, false, Gateway.InstanceState.Unhealthy, InstancePhase.Unready)]
    [InlineData(InstanceState.Ready, 0, false, Gateway.InstanceState.Ejected, InstancePhase.Unready)]
    [InlineData(InstanceState.Ready, 0, true, Gateway.InstanceState.Ready, InstancePhase.Leaving)] // asked to leave a moment ago
    [InlineData(InstanceState.Stopping, 0, false, null, InstancePhase.Leaving)]
    public void A_phase_is_what_supervisor_and_gateway_make_of_it(InstanceState state, int restarts, bool leaving, Gateway.InstanceState? inGateway, InstancePhase expected) =>
        Assert.Equal(expected, ServiceSampler.PhaseOf(new InstanceStatus { Name = "api-1", State = state, Restarts = restarts }, leaving, inGateway));

    [Fact]
    public void Processor_time_is_a_share_of_the_limit_over_the_time_between_two_looks()
    {
        var second = TimeSpan.FromSeconds(1);
        Assert.Equal(0.75, ServiceSampler.ShareOfCpu(Used(2.3), TimeSpan.FromSeconds(2), 2 * second, new Cpu(200))!.Value, 6);
        Assert.Null(ServiceSampler.ShareOfCpu(Used(2.3), TimeSpan.FromSeconds(2), second, null)); // no limit, no share
        Assert.Null(ServiceSampler.ShareOfCpu(null, TimeSpan.Zero, second, new Cpu(200))); // not seen
        Assert.Null(ServiceSampler.ShareOfCpu(Used(0), TimeSpan.Zero, second, new Cpu(200))); // its group is just removed
        Assert.Null(ServiceSampler.ShareOfCpu(Used(1), TimeSpan.FromSeconds(2), second, new Cpu(200))); // fewer than before
        Assert.Null(ServiceSampler.ShareOfCpu(Used(1), TimeSpan.Zero, TimeSpan.Zero, new Cpu(200)));
    }

    [Fact]
    public void What_is_in_flight_is_averaged_over_the_looks()
    {
        var looks = new Queue<KeyValuePair<string, int>[]>([[new("api-1", 4)], [new("api-1", 2), new("api-2", 3)], []]);
        var meter = new InFlightMeter(looks.Dequeue);
        meter.Look();
        meter.Look();
        Assert.Equal([new("api-1", 3), new("api-2", 1.5)], meter.Take());
        meter.Look();
        Assert.Empty(meter.Take());
        Assert.Empty(meter.Take());
    }

    [Fact]
    public void What_became_ready_is_what_there_is_more_of_and_what_has_ended()
    {
        var sample = QueueWatch.Sample(new QueueLevel(80, 12, 20), new QueueLevel(100, 11, 10), new JobCount(Ended: 40, Stopped: 4), TimeSpan.FromSeconds(2));
        Assert.Equal(new QueueSample(80, 12, Arriving: 17, Done: 20, Running: 20), sample);
    }

    [Fact]
    public void Rates_of_a_queue_are_not_known_at_first_or_without_counters_or_above_what_is_counted()
    {
        var second = TimeSpan.FromSeconds(1);
        var (level, count) = (new QueueLevel(80, 12, 20), new JobCount(1, 0));
        var unknown = new QueueSample(80, 12, null, null, 20);
        Assert.Equal(unknown, QueueWatch.Sample(level, null, count, second));
        Assert.Equal(unknown, QueueWatch.Sample(level, level, null, second));
        Assert.Equal(unknown, QueueWatch.Sample(level, level, count, TimeSpan.Zero));
        var many = level with { Ready = QueueLook.Counted };
        Assert.Null(QueueWatch.Sample(many, many, count, second).Arriving);
    }

    [Fact]
    public void Counters_of_jobs_are_read_by_queue_and_what_is_no_number_is_left_out()
    {
        var counts = JobCounters.Read("""
            # TYPE tenfold_jobs_completed_total counter
            tenfold_jobs_completed_total{queue="mail"} 41
            tenfold_jobs_failed_total{queue="mail",x="}"} 1 1700000000
            tenfold_jobs_retried_total{queue="mail"} 7
            tenfold_jobs_returned_total{queue="mail"} 2
            tenfold_jobs_depth{queue="mail",state="ready"} 900
            tenfold_jobs_completed_total{queue="sick"} NaN
            tenfold_jobs_retried_total{queue="sick"} 3
            tenfold_jobs_completed_total 5
            other_total{queue="mail"} 5
            """);
        Assert.Equal([new("mail", new JobCount(42, 9))], counts);
    }

    [Fact]
    public void The_start_time_is_the_90th_percentile_of_the_last_ten()
    {
        var times = new StartTimes();
        Assert.Null(times.P90);
        times.Add(TimeSpan.FromSeconds(100));
        Assert.Equal(TimeSpan.FromSeconds(100), times.P90);
        for (var i = 1; i <= 10; i++)
        {
            times.Add(TimeSpan.FromSeconds(i));
        }

        Assert.Equal(TimeSpan.FromSeconds(9), times.P90); // 100 s is forgotten
    }

    private static ResourceUsage Used(double seconds) => new(TimeSpan.FromSeconds(seconds), 1000, TimeSpan.Zero, 0);
}
