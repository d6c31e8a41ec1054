using Npgsql;
using Tenfold.Jobs.Tests.Support;

namespace Tenfold.Jobs.Tests.Enqueueing;

public sealed class JobClientTests(JobServer server)
{
    public static TheoryData<string, EnqueueOptions> Wrong => new()
    {
        { "priority is 10; allowed is 0 (first) to 9 (last)", new EnqueueOptions { Priority = 10 } },
        { "attempts is 0; allowed is 1 to 32,767", new EnqueueOptions { Attempts = 0 } },
        { "delay is 00:00:01; allowed is nothing together with At", new EnqueueOptions { Delay = TimeSpan.FromSeconds(1), At = DateTimeOffset.UnixEpoch } },
        { "queue is ; allowed is a name of 1 to 200 characters", new EnqueueOptions { Queue = "" } },
        { "unique is ; allowed is a time (For) with UniqueWhile.Time, and only with it", new EnqueueOptions { Unique = new JobUnique("a", UniqueWhile.Time) } },
        { "it is unique and waits for other jobs; only one of these is possible", new EnqueueOptions { Unique = new JobUnique("a"), After = [1000] } },
    };

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public async Task A_job_that_makes_no_sense_is_refused_with_what_was_found_and_what_is_allowed(string message, EnqueueOptions options)
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: jobs => jobs.Work = []);
        var refused = await Assert.ThrowsAsync<JobException>(() => app.Client.EnqueueAsync(new Work("x"), options));
        Assert.EndsWith(message, refused.Message, StringComparison.Ordinal);
        Assert.Equal(0L, await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs"));
    }

    [Fact]
    public async Task A_payload_that_is_too_large_and_a_type_that_is_no_job_are_refused()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: jobs => (jobs.Work, jobs.MostPayload) = ([], 100));
        Assert.Contains("its payload is 211 bytes; allowed is at most 100 bytes", (await Assert.ThrowsAsync<JobException>(() => app.Client.EnqueueAsync(new Work(new string('x', 200))))).Message, StringComparison.Ordinal);
        Assert.Contains("System.String is no job of this app", (await Assert.ThrowsAsync<JobException>(() => app.Client.EnqueueAsync("text"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_statement_of_a_job_travels_in_a_batch_of_the_callers()
    {
        await using var database = await server.DatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE orders (n int)");
        await using var app = await JobApp.StartAsync(database.ConnectionString);
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new NpgsqlBatchCommand("INSERT INTO orders VALUES (1)"), app.Client.Command(new Work("in a batch"), new EnqueueOptions { Priority = 1 }) } };
        await batch.ExecuteNonQueryAsync();
        app.Client.Told("work");
        await Tenfold.Postgres.Tests.Support.Wait.ForAsync("it to run", () => app.Done.Contains("in a batch"));
    }

    [Fact]
    public async Task Ids_tell_the_number_of_their_database()
    {
        await using var database = await server.DatabaseAsync(7);
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: jobs => jobs.Work = []);
        await using var connection = await database.Source.OpenConnectionAsync();
        var first = await app.Client.EnqueueAsync(connection, new Work("a"));
        var many = await app.Client.EnqueueManyAsync(connection, [new Work("b"), new Work("c")]);
        Assert.Equal([7L, 7, 7], new[] { first.Id, many[0], many[1] }.Select(id => id % 1000));
        Assert.Equal(many.Order(), many);
    }
}
