using Npgsql;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.Stores;
using Tenfold.Runtime.Tests.Stores;

namespace Tenfold.Runtime.Tests.Scaling;

/// <summary>What the databases say of queues, in as much of the tables of docs/jobs.md as is asked.</summary>
public sealed class QueueLookTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private const string Tables = """
        DROP SCHEMA IF EXISTS tenfold CASCADE;
        CREATE SCHEMA tenfold;
        CREATE TABLE tenfold.jobs (id bigint PRIMARY KEY, queue text NOT NULL, lane smallint NOT NULL DEFAULT 11, enqueued_at timestamptz NOT NULL DEFAULT now(), place bigint, run_at timestamptz);
        CREATE INDEX jobs_ready ON tenfold.jobs (queue, lane, place) WHERE place IS NOT NULL;
        CREATE TABLE tenfold.jobs_running (id bigint PRIMARY KEY, queue text NOT NULL);
        CREATE TABLE tenfold.job_queues (name text PRIMARY KEY, paused_at timestamptz);
        """;

    public async ValueTask InitializeAsync() => await postgres.QueryAsync(Tables);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Ready_jobs_are_counted_and_those_that_wait_for_something_are_not()
    {
        await postgres.QueryAsync("""
            INSERT INTO tenfold.jobs (id, queue, lane, place, enqueued_at, run_at) VALUES
                (1, 'mail', 11, 1, now() - interval '50 s', NULL),
                (2, 'mail', 18, 2, now() - interval '90 s', NULL),
                (3, 'mail', 18, 3, now() - interval '500 s', now() - interval '10 s'),   -- due since 10 s
                (4, 'mail', 11, NULL, now() - interval '900 s', now() + interval '1 h'), -- scheduled
                (5, 'images', 11, 1, now() - interval '900 s', NULL);
            INSERT INTO tenfold.jobs_running VALUES (6, 'mail'), (7, 'mail'), (8, 'images');
            """);
        var mail = (await AskAsync("mail"))["mail"];
        Assert.Equal((3L, 2L), (mail.Ready, mail.Running));
        Assert.InRange(mail.Age, 90, 120);
    }

    [Fact]
    public async Task Nothing_is_ready_in_a_queue_that_is_paused()
    {
        await postgres.QueryAsync("INSERT INTO tenfold.jobs (id, queue, place) VALUES (1, 'mail', 1); INSERT INTO tenfold.jobs_running VALUES (2, 'mail'); INSERT INTO tenfold.job_queues VALUES ('mail', now())");
        Assert.Equal(new QueueLevel(0, 0, 1), (await AskAsync("mail"))["mail"]);
        await postgres.QueryAsync("UPDATE tenfold.job_queues SET paused_at = NULL");
        Assert.Equal(1, (await AskAsync("mail"))["mail"].Ready);
    }

    [Fact]
    public async Task The_databases_of_a_store_are_added_up_and_one_that_cannot_be_asked_makes_it_unknown()
    {
        await postgres.QueryAsync("INSERT INTO tenfold.jobs (id, queue, place) VALUES (1, 'mail', 1)");
        var one = Of(postgres.ConnectionString);
        Assert.Equal(2, (await QueueLook.AskAsync([one, one], ["mail"], default))["mail"].Ready);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => QueueLook.AskAsync([one, Of("Host=/nowhere;Username=x")], ["mail"], default));
    }

    [Fact]
    public async Task A_queue_is_empty_before_there_are_tables()
    {
        await postgres.QueryAsync("DROP SCHEMA tenfold CASCADE");
        Assert.Equal(default, (await AskAsync("mail"))["mail"]);
    }

    private Task<IReadOnlyDictionary<string, QueueLevel>> AskAsync(string queue) => QueueLook.AskAsync([Of(postgres.ConnectionString)], [queue], default);

    private static DatabaseAccess Of(string connectionString) =>
        new() { Store = "main", Number = 0, Name = "main", ConnectionString = connectionString, AdminConnectionString = connectionString };
}
