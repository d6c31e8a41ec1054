using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Jobs;
using Tenfold.Postgres;

namespace JobsDriver;

/// <summary>An app with jobs: enqueues, and works where it is told what to do.</summary>
internal sealed class App : IAsyncDisposable
{
    private const int AtOnce = 24; // as graphile-worker is told

    private readonly IHost _host;

    private App(IHost host) => _host = host;

    public JobClient Jobs => _host.Services.GetRequiredService<JobClient>();

    /// <param name="connection">The database.</param>
    /// <param name="work">What the handler does; null for an app that only enqueues.</param>
    public static async Task<App> StartAsync(string connection, Func<Nothing, JobContext, CancellationToken, Task>? work)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton(new Work(work ?? ((_, _, _) => Task.CompletedTask)));
        builder.Services.AddSingleton(provider => new PostgresStore(new PostgresOptions { Name = "main", ConnectionString = connection }, TimeProvider.System, provider.GetRequiredService<ILoggerFactory>()));
        var options = new JobOptions { Work = work is null ? [] : null };
        options.Json.Add(BenchJson.Default);
        options.Queues["default"] = new JobQueueOptions { Concurrency = AtOnce, Keep = new JobKeep(Completed: 0) };
        builder.Services.AddJobs(options, $"bench:{Environment.ProcessId}");
        var app = new App(builder.Build());
        await app._host.StartAsync();
        return app;
    }

    /// <summary>Until nothing waits or runs.</summary>
    public static async Task DrainedAsync(NpgsqlDataSource own)
    {
        await using var command = own.CreateCommand("SELECT EXISTS (SELECT FROM tenfold.jobs) OR EXISTS (SELECT FROM tenfold.jobs_running)");
        while (await command.ExecuteScalarAsync() is true)
        {
            await Task.Delay(1);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }
}
