using Npgsql;
using Tenfold.Jobs.Ending;
using Tenfold.Jobs.Tests.Support;

namespace Tenfold.Jobs.Tests.Ending;

/// <summary>Only the run, and the worker, that hold a job may end it.</summary>
public sealed class FenceTests(JobServer server)
{
    private const long Holder = 5;

    private static readonly Dictionary<string, Func<NpgsqlConnection, JobEnding, Task<int>>> Ways = new()
    {
        ["completed with others"] = PlainAsync,
        ["completed with others, kept"] = (connection, ending) => PlainAsync(connection, ending with { Keep = true }),
        ["completed by its handler"] = CompleteAsync,
        ["completed by its handler, kept"] = (connection, ending) => CompleteAsync(connection, ending with { Keep = true }),
        ["failed"] = (connection, ending) => EndAsync(connection, ending with { Outcome = JobOutcome.Failed, Keep = true }),
        ["given back"] = (connection, ending) => EndAsync(connection, ending with { Outcome = null }),
    };

    public static TheoryData<string> Names => [.. Ways.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_job_is_ended_by_nobody_but_who_holds_it(string way)
    {
        await using var database = await server.DatabaseAsync();
        await using var connection = await database.Source.OpenConnectionAsync();
        var job = await database.RunningAsync(worker: Holder);

        foreach (var (run, worker) in new[] { (2, Holder), (0, Holder), (1, Holder + 1) })
        {
            var other = new JobEnding(Runs.Claimed(job, worker, run), JobOutcome.Completed, TimeSpan.Zero);
            Assert.Equal(0, await Ways[way](connection, other));
            Assert.Empty(await EndTransaction.StillHeldAsync(connection, [other], default));
        }

        Assert.Equal("1 0 0", await CountsAsync(database));
        var own = new JobEnding(Runs.Claimed(job, Holder), JobOutcome.Completed, TimeSpan.Zero);
        Assert.Equal([job], await EndTransaction.StillHeldAsync(connection, [own], default));
        Assert.Equal(1, await Ways[way](connection, own));
        Assert.Empty(await EndTransaction.StillHeldAsync(connection, [own], default));
        Assert.Equal(way switch { "given back" => "0 1 0", "failed" => "0 0 1", _ => way.EndsWith("kept", StringComparison.Ordinal) ? "0 0 1" : "0 0 0" }, await CountsAsync(database));
    }

    private static async Task<object?> CountsAsync(JobDatabase database) =>
        await database.ExecuteAsync("SELECT format('%s %s %s', (SELECT count(*) FROM tenfold.jobs_running), (SELECT count(*) FROM tenfold.jobs), (SELECT count(*) FROM tenfold.jobs_ended))");

    private static async Task<int> PlainAsync(NpgsqlConnection connection, JobEnding ending)
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { EndSql.CompletePlain([ending], "w") } };
        await using var rows = await batch.ExecuteReaderAsync();
        return (await EndTransaction.ReadIdsAsync(rows, default)).Count;
    }

    private static async Task<int> CompleteAsync(NpgsqlConnection connection, JobEnding ending) => await EndTransaction.CompleteOneAsync(connection, ending, "w", default) ? 1 : 0;

    private static async Task<int> EndAsync(NpgsqlConnection connection, JobEnding ending) => (await EndTransaction.EndAsync(connection, [ending], "w", default)).Held;
}
