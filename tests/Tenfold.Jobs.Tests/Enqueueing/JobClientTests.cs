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
        { "deadline is 01/01/0001 00:00:00 +00:00; allowed is a moment; leave it out for none", new EnqueueOptions { Deadline = DateTimeOffset.MinValue } },
        { "time (At) is 12/31/9999 23:59:59 +00:00; allowed is a moment; leave it out for at once, and do not enqueue what is never to run", new EnqueueOptions { At = DateTimeOffset.MaxValue } },
        { "delay is 10675199.02:48:05.4775807; allowed is at most 36,500 days", new EnqueueOptions { Delay = TimeSpan.MaxValue } },
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
    public async Task A_deadline_that_never_comes_is_none()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString);
        await using var connection = await database.Source.OpenConnectionAsync();
        var never = new EnqueueOptions { Deadline = DateTimeOffset.MaxValue };
        await app.Client.EnqueueAsync(connection, new Work("one"), never);
        await app.Client.EnqueueManyAsync(connection, [new Work("many")], never);
        await Tenfold.Postgres.Tests.Support.Wait.ForAsync("both to run", async () => await database.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended WHERE outcome = 1 AND deadline IS NULL") is 2L);
    }

    [Fact]
    public async Task A_polymorphic_job_is_what_it_was()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString);
        await app.Client.EnqueueAsync<Shape>(new Circle(7));
        await app.Client.EnqueueAsync<Shape>(new Square(8));
        await Tenfold.Postgres.Tests.Support.Wait.ForAsync("both to run", () => app.Done.Count == 2);
        Assert.Equal(["Circle { R = 7 }", "Square { A = 8 }"], app.Done.Order());
    }

    [Fact]
    public async Task Many_jobs_without_a_transaction_are_enqueued_in_one_of_their_own_and_in_one_with_it()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: jobs => jobs.Work = []);
        await using var connection = await database.Source.OpenConnectionAsync();
        await app.Client.EnqueueManyAsync(connection, [new Work("a"), new Work("b")]);
        await using (await connection.BeginTransactionAsync())
        {
            await app.Client.EnqueueManyAsync(connection, [new Work("rolled back")]);
        }

        await app.Client.EnqueueManyAsync(connection, [new Work("c")]);
        Assert.Equal("a,b,c", await database.ExecuteAsync("SELECT string_agg(payload ->> 'Name', ',' ORDER BY id) FROM tenfold.jobs"));
    }

    [Fact]
    public async Task A_unique_job_that_waits_for_another_transaction_does_so_with_a_transaction_id()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: jobs => jobs.Work = []);
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var unique = new EnqueueOptions { Unique = new JobUnique("a") };
        var first = await app.Client.EnqueueAsync(connection, new Work("first"), unique);
        var second = app.Client.EnqueueAsync(new Work("second"), unique);
        await Tenfold.Postgres.Tests.Support.Wait.ForAsync("the second to wait", async () => await database.ExecuteAsync("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") is 1L);
        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() AND backend_xid IS NOT NULL"));
        await transaction.CommitAsync();
        Assert.Equal(new Enqueued(first.Id, false), await second);
    }

    [Fact]
    public async Task Many_jobs_without_a_transaction_have_one_with_an_id_from_their_numbers_to_their_rows()
    {
        await using var database = await server.DatabaseAsync();
        await using var app = await JobApp.StartAsync(database.ConnectionString, configure: jobs => jobs.Work = []);
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var holding = await database.Source.OpenConnectionAsync();
        await using var transaction = await holding.BeginTransactionAsync();
        await new NpgsqlCommand("LOCK TABLE tenfold.jobs IN EXCLUSIVE MODE", holding).ExecuteNonQueryAsync();
        var many = app.Client.EnqueueManyAsync(connection, [new Work("a"), new Work("b")]);
        await Tenfold.Postgres.Tests.Support.Wait.ForAsync("their rows to wait", async () => await database.ExecuteAsync("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()") is 1L);
        Assert.Equal(1L, await database.ExecuteAsync("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database() AND backend_xid IS NOT NULL"));
        await transaction.RollbackAsync();
        Assert.Equal(2, (await many).Count);
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
