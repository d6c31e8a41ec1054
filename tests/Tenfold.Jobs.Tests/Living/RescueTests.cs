using Tenfold.Jobs.Living;
using Tenfold.Jobs.Tests.Support;

namespace Tenfold.Jobs.Tests.Living;

/// <summary>Whether the death of a worker counts for the jobs that it had; a queue allows three unless it says otherwise.</summary>
public sealed class RescueTests(JobServer server)
{
    [Theory]
    [InlineData(0, false, 1)]
    [InlineData(1, false, 1)]
    [InlineData(1, true, 2)]
    [InlineData(2, false, 2)]
    public async Task The_first_death_counts_and_further_ones_count_if_the_job_had_begun(int deaths, bool started, int counted)
    {
        await using var database = await server.DatabaseAsync();
        var job = await HeldAsync(database, worker: 1, deaths, started);

        await RescueAsync(database);

        Assert.Equal($"{counted} 0", await database.ExecuteAsync($"SELECT format('%s %s', deaths, failures) FROM tenfold.jobs WHERE id = {job} AND place IS NOT NULL AND lane = 10"));
    }

    [Fact]
    public async Task The_last_death_counts_only_for_a_job_that_was_alone_among_those_with_a_death()
    {
        await using var database = await server.DatabaseAsync();
        var alone = await HeldAsync(database, worker: 1, deaths: 2, started: true);
        var waiting = await HeldAsync(database, worker: 1, deaths: 2, started: false);
        var fresh = await HeldAsync(database, worker: 1, deaths: 0, started: false);
        var one = await HeldAsync(database, worker: 2, deaths: 2, started: true);
        var other = await HeldAsync(database, worker: 2, deaths: 1, started: true);

        await RescueAsync(database);

        Assert.Equal($"{alone} 3", await database.ExecuteAsync("SELECT string_agg(format('%s %s', id, deaths), ',') FROM tenfold.jobs_ended WHERE outcome = 2"));
        Assert.Equal($"{waiting} 2,{fresh} 1,{one} 2,{other} 2", await database.ExecuteAsync("SELECT string_agg(format('%s %s', id, deaths), ',' ORDER BY id) FROM tenfold.jobs WHERE place IS NOT NULL"));
    }

    private static async Task<long> HeldAsync(JobDatabase database, long worker, int deaths, bool started)
    {
        var job = await database.RunningAsync(worker: worker);
        await database.ExecuteAsync($"UPDATE tenfold.jobs_running SET deaths = {deaths}, started = {started} WHERE id = {job}");
        return job;
    }

    private static async Task RescueAsync(JobDatabase database)
    {
        await using var connection = await database.Source.OpenConnectionAsync();
        await Rescue.RunAsync(connection, 0, TimeSpan.FromSeconds(1), new Dictionary<string, JobQueueOptions>(), () => true, default);
    }
}
