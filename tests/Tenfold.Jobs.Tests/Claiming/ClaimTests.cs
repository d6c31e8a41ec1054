using Npgsql;
using Tenfold.Jobs.Claiming;
using Tenfold.Jobs.Tests.Support;

namespace Tenfold.Jobs.Tests.Claiming;

public sealed class ClaimTests(JobServer server)
{
    private const short Lane = 11;

    [Fact]
    public async Task A_claim_of_a_limited_queue_begins_behind_the_front_and_a_sweep_behind_the_floor()
    {
        await using var database = await server.DatabaseAsync();
        await using var connection = await database.Source.OpenConnectionAsync();
        var early = await database.WaitingAsync();
        var late = await database.WaitingAsync();
        var options = new JobQueueOptions { KeyConcurrency = 1 };
        var mark = new Watermark();
        mark.Claimed(Lane, early);

        Assert.Equal($"{late}", await ClaimAsync(isSweep: false));
        Assert.Equal("", await ClaimAsync(isSweep: false));
        Assert.Equal($"{early}", await ClaimAsync(isSweep: true));
        Assert.Equal(late, mark.Front[Lane]);

        async Task<string> ClaimAsync(bool isSweep) => string.Join(",", (await LimitedClaim.RunAsync(connection, "q", options, mark, isSweep, 10, 1, default)).Jobs.Select(job => job.Id));
    }

    [Fact]
    public async Task A_paused_queue_gives_no_job_whether_it_is_limited_or_not()
    {
        await using var database = await server.DatabaseAsync();
        await using var connection = await database.Source.OpenConnectionAsync();
        var job = await database.WaitingAsync();
        await Rows.Admin(database).PauseAsync("q", default);

        Assert.Equal(0, await ClaimAsync());
        Assert.Empty((await LimitedClaim.RunAsync(connection, "q", new JobQueueOptions { KeyConcurrency = 1 }, new Watermark(), true, 10, 1, default)).Jobs);
        await Rows.Admin(database).ResumeAsync("q", default);
        Assert.Equal(1, await ClaimAsync());
        Assert.Equal($"{job} 1 7 f", await database.ExecuteAsync("SELECT format('%s %s %s %s', id, run, worker, holds_key) FROM tenfold.jobs_running"));

        async Task<int> ClaimAsync()
        {
            await using var batch = new NpgsqlBatch(connection) { BatchCommands = { ClaimSql.Command("q", new long[Watermark.Lanes], 10, worker: 7) } };
            await using var rows = await batch.ExecuteReaderAsync();
            var count = 0;
            while (await rows.ReadAsync())
            {
                count++;
            }

            return count;
        }
    }
}
