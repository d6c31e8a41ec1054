using Npgsql;
using Tenfold.Guide;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.Host;

namespace Tenfold.Runtime.Tests.Scaling;

/// <summary>A worker in Node that takes jobs from a real PostgreSQL, one at a time, as docs/jobs.md describes the tables; of it there are none while there is nothing to do.</summary>
public sealed class WorkerTests : IAsyncDisposable
{
    private const int Jobs = 45;

    // psql in a session of its own: the signal that stops the worker goes to its whole group, and would take a claimed job's statement with it.
    // A job is claimed, takes 100 ms, and is done; what a worker holds that is told to stop, it does before it goes. Nobody rescues here what a killed one held.
    private const string Worker = """
        const http = require('http');
        const { execFile } = require('child_process');
        const server = http.createServer((request, response) => response.end());
        server.listen(process.env.PORT, '127.0.0.1');
        let leaving = false;
        process.on('SIGTERM', () => { leaving = true; server.close(); server.closeIdleConnections(); });
        const to = Object.fromEntries(process.env.ConnectionStrings__main.split(';').map(part => part.split('=')));
        const env = { PGHOST: to.Host, PGPORT: to.Port, PGDATABASE: to.Database, PGUSER: to.Username, PGPASSWORD: to.Password };
        const psql = sql => new Promise((done, failed) => execFile('setsid', [process.env.PSQL, '-qAtXc', sql], { env }, (error, out) => error ? failed(error) : done(out.trim())));
        const claim = `WITH taken AS (DELETE FROM tenfold.jobs WHERE id = (SELECT id FROM tenfold.jobs WHERE place IS NOT NULL ORDER BY place FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id, queue)
          INSERT INTO tenfold.jobs_running SELECT id, queue FROM taken RETURNING id`;
        (async () => {
          while (!leaving) {
            const id = await psql(claim).catch(() => '');
            await new Promise(done => setTimeout(done, 100));
            if (id) await psql(`WITH over AS (DELETE FROM tenfold.jobs_running WHERE id = ${id} RETURNING id) INSERT INTO done SELECT id FROM over`);
          }
          process.exit(0);
        })();
        """;

    private const string Tables = """
        CREATE SCHEMA tenfold;
        CREATE TABLE tenfold.jobs (id bigint PRIMARY KEY, queue text NOT NULL, lane smallint NOT NULL DEFAULT 11, enqueued_at timestamptz NOT NULL DEFAULT now(), place bigint, run_at timestamptz);
        CREATE INDEX jobs_ready ON tenfold.jobs (queue, lane, place) WHERE place IS NOT NULL;
        CREATE TABLE tenfold.jobs_running (id bigint PRIMARY KEY, queue text NOT NULL);
        CREATE TABLE tenfold.job_queues (name text PRIMARY KEY, paused_at timestamptz);
        CREATE TABLE done (id bigint NOT NULL);
        """;

    private static CancellationToken Generous => new CancellationTokenSource(TimeSpan.FromSeconds(120)).Token; // for each wait anew
    private readonly TemporaryState _temporary = new("jobs");
    private SystemHost? _host;

    public async ValueTask DisposeAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        await _temporary.DisposeAsync();
    }

    [Fact]
    public async Task Workers_come_with_jobs_and_go_when_they_are_done_and_each_job_is_done_once()
    {
        var host = await StartAsync();
        Assert.Empty(host.Status().Services[0].Instances);
        await QueryAsync(host, Tables);
        await QueryAsync(host, $"INSERT INTO tenfold.jobs (id, queue, place) SELECT n, 'mail', n FROM generate_series(1, {Jobs}) AS n");
        using var control = new ControlClient(_temporary.State, TimeProvider.System);
        var limit = Generous;
        while ((await control.DecisionsAsync(0, "worker", limit))!.All(one => one.To != 3))
        {
            await Task.Delay(50, limit);
        }

        await UntilAsync(host, service => service is { Wanted: 0, Instances.Count: 0 });
        Assert.Equal($"{Jobs} {Jobs}", await QueryAsync(host, "SELECT count(*) || ' ' || count(DISTINCT id) FROM done"));
        Assert.Equal(0L, await QueryAsync(host, "SELECT (SELECT count(*) FROM tenfold.jobs) + (SELECT count(*) FROM tenfold.jobs_running)"));
        var changes = (await control.DecisionsAsync(0, "worker", Generous))!.Where(one => one.From != one.To).ToList();
        Assert.Equal((0, 3, 0), (changes[0].From, changes.Max(one => one.To), changes[^1].To));
        Assert.Contains("mail", changes[0].Reason, StringComparison.Ordinal);
    }

    private async Task<SystemHost> StartAsync()
    {
        var folder = _temporary.State.Folder;
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Combine(folder, "worker.js"), Worker);
        var guide = new SystemGuide
        {
            System = "jobs",
            Folder = folder,
            Stores = new Dictionary<string, Store> { ["main"] = new() { Engine = StoreEngine.Postgres } },
            Services = new Dictionary<string, Service>
            {
                ["worker"] = new()
                {
                    Command = ["node", "worker.js"],
                    Environment = new Dictionary<string, string> { ["PSQL"] = Directory.EnumerateFiles("/usr/lib/postgresql", "psql", SearchOption.AllDirectories).Max()! },
                    Scale = new Scale
                    {
                        Min = 0,
                        Max = 3,
                        Metrics = [new ScaleMetric { Metric = ScalingMetric.QueueDepth, Queue = "mail", Target = new ScaleTarget(10, ScaleUnit.Count) }],
                        In = new ScaleRate { Window = TimeSpan.FromSeconds(1) },
                    },
                },
            },
            Queues = new Dictionary<string, QueuePolicy> { ["mail"] = new() { Concurrency = 1, Service = "worker" } },
            Gateway = new GatewaySection { Port = 0 },
        };
        _host = new SystemHost(new HostOptions { Guide = guide, GuideFile = "tenfold.yaml", State = _temporary.State, Report = _ => { } });
        await _host.StartAsync(Generous);
        return _host;
    }

    private static async Task<object?> QueryAsync(SystemHost host, string sql)
    {
        await using var connection = new NpgsqlConnection(host.Databases()[0].ConnectionString + ";Pooling=false");
        await connection.OpenAsync(Generous);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Generous);
    }

    private static async Task UntilAsync(SystemHost host, Func<ServiceStatus, bool> condition)
    {
        var limit = Generous;
        while (!condition(host.Status().Services[0]))
        {
            await Task.Delay(50, limit);
        }
    }
}
