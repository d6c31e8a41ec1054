using Tenfold.Jobs.Living;
using Tenfold.Jobs.Tests.Support;

namespace Tenfold.Jobs.Tests.Living;

public sealed class HistoryTests(JobServer server)
{
    [Fact]
    public async Task Of_each_queue_the_newest_are_kept_as_many_as_it_says_and_as_young()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("""
            INSERT INTO tenfold.jobs_ended (id, queue, lane, kind, payload, enqueued_at, run, failures, deaths, outcome, ended_at)
            SELECT n, queue, 11, 'work', '{}', now(), 1, 0, 0, outcome, now() - (100 - n) * interval '1 minute'
            FROM generate_series(1, 100) AS n, (VALUES ('few', 1), ('few', 2), ('young', 1), ('unnamed', 3)) AS kinds (queue, outcome) ORDER BY n
            """);
        var options = new JobOptions();
        options.Queues["few"] = new JobQueueOptions { Keep = new JobKeep(10, 20) };
        options.Queues["young"] = new JobQueueOptions { Keep = new JobKeep(For: TimeSpan.FromMinutes(30.5)) };
        await using (var connection = await database.Source.OpenConnectionAsync())
        {
            await History.TrimAsync(connection, options, default);
        }

        Assert.Equal("few 1: 10 from 91, few 2: 20 from 81, unnamed 3: 100 from 1, young 1: 31 from 70", await database.ExecuteAsync(
            "SELECT string_agg(format('%s %s: %s from %s', queue, outcome, count, first), ', ' ORDER BY queue, outcome) FROM (SELECT queue, outcome, count(*), min(id) AS first FROM tenfold.jobs_ended GROUP BY 1, 2) AS kept"));
    }
}
