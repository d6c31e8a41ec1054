using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Jobs;
using Tenfold.Jobs.TestHost;
using Tenfold.Postgres;

// work CONNECTION            works until it is killed: jobs of three kinds, each with an effect in a table
// enqueue CONNECTION COUNT   enqueues jobs one by one, each with a row of its own, and kills itself in or right after a commit
if (args is not [var mode and ("work" or "enqueue"), var connectionString, .. var rest])
{
    Console.Error.WriteLine("usage: see Program.cs");
    return 2;
}

var builder = Host.CreateEmptyApplicationBuilder(null);
builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
builder.Logging.AddFilter(level => level >= LogLevel.Warning);
builder.Services.AddSingleton(provider => new PostgresStore(new PostgresOptions { Name = "main", ConnectionString = connectionString }, TimeProvider.System, provider.GetRequiredService<ILoggerFactory>()));
var options = new JobOptions { PresumedDead = TimeSpan.FromSeconds(1), Poll = TimeSpan.FromMilliseconds(200), Work = mode == "work" ? null : [] };
options.Json.Add(HostJson.Default);
options.Queues["effects"] = new JobQueueOptions { Concurrency = 8, Attempts = 50, Backoff = new Backoff { First = TimeSpan.FromMilliseconds(100), Most = TimeSpan.FromSeconds(1) } };
options.Queues["poison"] = new JobQueueOptions { Concurrency = 1 };
builder.Services.AddJobs(options, $"host:{Environment.ProcessId}");
using var host = builder.Build();
await host.StartAsync();
if (mode == "work")
{
    Console.WriteLine("works");
    await host.WaitForShutdownAsync();
    return 0;
}

var client = host.Services.GetRequiredService<JobClient>();
var store = host.Services.GetRequiredService<PostgresStore>();
for (var i = 0; ; i++)
{
    await using var connection = await store.OpenWriterAsync(null, default);
    await using var transaction = await connection.BeginTransactionAsync();
    await using (var insert = new NpgsqlCommand("INSERT INTO committed DEFAULT VALUES", connection))
    {
        await insert.ExecuteNonQueryAsync();
    }

    await client.EnqueueAsync(connection, new Effect(i));
    var commit = transaction.CommitAsync();
    if (i == int.Parse(rest[0]))
    {
        using var self = Process.GetCurrentProcess();
        self.Kill(); // the commit is under way
    }

    await commit;
}
