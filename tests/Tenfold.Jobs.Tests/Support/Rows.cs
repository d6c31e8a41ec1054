using Tenfold.Jobs.Administration;

namespace Tenfold.Jobs.Tests.Support;

/// <summary>Jobs in any state, put into the tables as they would come to be there.</summary>
internal static class Rows
{
    public static JobAdmin Admin(params JobDatabase[] databases) =>
        new([.. databases.Select((database, number) => new AdminDatabase(number, cancel => database.Source.OpenConnectionAsync(cancel)))]);

    /// <summary>A job that waits; <paramref name="columns"/> and <paramref name="values"/> beside what every one has.</summary>
    public static async Task<long> WaitingAsync(this JobDatabase database, string queue = "q", string kind = "k", string columns = "", string values = "", bool ready = true) =>
        (long)(await database.ExecuteAsync($$"""
            INSERT INTO tenfold.jobs (id, queue, lane, kind, payload{{(ready ? ", place" : "")}}{{Comma(columns)}})
            SELECT n, '{{queue}}', 11, '{{kind}}', '{"a":1}'{{(ready ? ", n" : "")}}{{Comma(values)}} FROM nextval('tenfold.job_ids') AS n RETURNING id
            """))!;

    /// <summary>A job that a worker holds.</summary>
    public static async Task<long> RunningAsync(this JobDatabase database, string queue = "q", string kind = "k", long worker = 1) =>
        (long)(await database.ExecuteAsync($$"""
            INSERT INTO tenfold.jobs_running (id, queue, lane, kind, payload, enqueued_at, run, failures, deaths, worker, claimed_at, progress)
            SELECT n, '{{queue}}', 11, '{{kind}}', '{"a":1}', now(), 1, 0, 0, {{worker}}, now(), '{"done":500,"total":1000,"note":"half"}' FROM nextval('tenfold.job_ids') AS n RETURNING id
            """))!;

    /// <summary>A job that has ended.</summary>
    public static async Task<long> EndedAsync(this JobDatabase database, string queue = "q", string kind = "k", int outcome = 2, string columns = "", string values = "") =>
        (long)(await database.ExecuteAsync($$"""
            INSERT INTO tenfold.jobs_ended (id, queue, lane, kind, payload, enqueued_at, run, failures, deaths, outcome, errors{{Comma(columns)}})
            SELECT n, '{{queue}}', 10, '{{kind}}', '{"a":1}', now(), 3, 3, 1, {{outcome}}, '[{"run":3,"error":"it broke"}]'{{Comma(values)}} FROM nextval('tenfold.job_ids') AS n RETURNING id
            """))!;

    /// <summary>A worker; one that lives does so for the whole test.</summary>
    public static Task<object?> WorkerAsync(this JobDatabase database, string name, string queues, string kinds, string beat = "now() + interval '1 h'") =>
        database.ExecuteAsync($"INSERT INTO tenfold.job_workers (name, queues, kinds, beat_at) VALUES ('{name}', '{{{queues}}}', '{{{kinds}}}', {beat}) RETURNING id");

    private static string Comma(string more) => more.Length == 0 ? "" : ", " + more;
}
