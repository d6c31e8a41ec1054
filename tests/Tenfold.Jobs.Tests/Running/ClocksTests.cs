using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Running;

public sealed class ClocksTests(JobServer server)
{
    [Fact]
    public async Task Workers_whose_clocks_differ_by_a_minute_take_the_databases_time()
    {
        await using var database = await server.DatabaseAsync();
        await using var early = await JobApp.StartAsync(database.ConnectionString, time: new Shifted(TimeSpan.FromMinutes(-1)));
        await using var late = await JobApp.StartAsync(database.ConnectionString, time: new Shifted(TimeSpan.FromMinutes(1)));
        var first = await early.Client.EnqueueAsync(new Work("in a while"), new EnqueueOptions { Delay = TimeSpan.FromMilliseconds(300) });
        var second = await late.Client.EnqueueAsync(new Work("in a while, too"), new EnqueueOptions { Delay = TimeSpan.FromMilliseconds(300), Deadline = DateTimeOffset.UtcNow.AddSeconds(40) });
        await Wait.ForAsync("both to have ended", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1") is 2L);
        Assert.True(await database.ExecuteAsync("SELECT bool_and(started_at >= enqueued_at + interval '290 ms' AND started_at < enqueued_at + interval '30 s') FROM tenfold.jobs_ended") is true);
        Assert.Equal(2L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.job_workers"));
        Assert.NotEqual(first.Id, second.Id);
    }

    private sealed class Shifted(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
