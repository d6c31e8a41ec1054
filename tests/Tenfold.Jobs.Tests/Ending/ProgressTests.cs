using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Ending;

public sealed class ProgressTests(JobServer server)
{
    [Theory]
    [InlineData("completes", 1)]
    [InlineData("fails", 2)]
    public async Task What_a_handler_told_last_is_kept_with_its_job_however_short_it_ran(string name, int outcome)
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, (_, context, _) =>
        {
            context.Report(7, 8, "almost");
            return name == "fails" ? throw new JobFailedException("no") : Task.CompletedTask;
        });

        await app.Client.EnqueueAsync(new Work(name));

        await Wait.ForAsync("it to have ended", async () => await database.ExecuteAsync($"SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = {outcome}") is 1L);
        Assert.Equal("7 8 almost", await database.ExecuteAsync("SELECT format('%s %s %s', progress ->> 'done', progress ->> 'total', progress ->> 'note') FROM tenfold.jobs_ended"));
    }
}
