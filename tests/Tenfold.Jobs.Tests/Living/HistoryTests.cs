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
            foreach (var trim in await History.PlanAsync(connection, options, ["few", "young", "unnamed"], default))
            {
                while (await trim.ChunkAsync(connection, 7, default) == 7)
                {
                    // the next seven
                }
            }
        }

        Assert.Equal("few 1: 10 from 91, few 2: 20 from 81, unnamed 3: 100 from 1, young 1: 31 from 70", await KeptAsync(database));
    }

    [Fact]
    public async Task Two_that_trim_at_the_same_time_do_not_trim_twice_and_queues_of_others_are_left()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("""
            INSERT INTO tenfold.jobs_ended (id, queue, lane, kind, payload, enqueued_at, run, failures, deaths, outcome)
            SELECT n, queue, 11, 'work', '{}', now(), 1, 0, 0, 1 FROM generate_series(1, 30) AS n, (VALUES ('own'), ('theirs')) AS queues (queue) ORDER BY n
            """);
        var options = new JobOptions();
        options.Queues["own"] = new JobQueueOptions { Keep = new JobKeep(10) };
        options.Queues["theirs"] = new JobQueueOptions { Keep = new JobKeep(10) };
        await using var connection = await database.Source.OpenConnectionAsync();
        Trim[] both = [.. await History.PlanAsync(connection, options, ["own"], default), .. await History.PlanAsync(connection, options, ["own"], default)];
        Assert.Equal(2, both.Length);

        foreach (var trim in both)
        {
            await trim.ChunkAsync(connection, 100, default);
        }

        Assert.Equal("own 1: 10 from 21, theirs 1: 30 from 1", await KeptAsync(database));
    }

    private static Task<object?> KeptAsync(JobDatabase database) => database.ExecuteAsync(
        "SELECT string_agg(format('%s %s: %s from %s', queue, outcome, count, first), ', ' ORDER BY queue, outcome) FROM (SELECT queue, outcome, count(*), min(id) AS first FROM tenfold.jobs_ended GROUP BY 1, 2) AS kept");
}
