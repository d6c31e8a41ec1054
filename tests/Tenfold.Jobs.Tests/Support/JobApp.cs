using System.Collections.Concurrent;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Tenfold.Jobs.Tests.Support;

[Job("work", Queue = "work")]
public sealed record Work(string Name);

[Job("other", Queue = "other")]
public sealed record OtherWork(string Name);

/// <summary>No handler in this app.</summary>
[Job("unhandled", Queue = "work")]
public sealed record Unhandled(string Name);

/// <summary>Told apart by <c>$type</c>, which must come first when it is read.</summary>
[Job("shape", Queue = "other")]
[JsonPolymorphic]
[JsonDerivedType(typeof(Circle), "circle")]
[JsonDerivedType(typeof(Square), "square")]
public abstract record Shape;

public sealed record Circle(int R) : Shape;

public sealed record Square(int A) : Shape;

[JsonSerializable(typeof(Shape))]
[JsonSerializable(typeof(Work))]
[JsonSerializable(typeof(OtherWork))]
[JsonSerializable(typeof(Unhandled))]
public sealed partial class TestJson : JsonSerializerContext;

public sealed class WorkHandler(Does does) : IJobHandler<Work>, IJobHandler<OtherWork>, IJobHandler<Shape>
{
    public Task HandleAsync(Work job, JobContext context, CancellationToken cancel) => does.Do(job.Name, context, cancel);

    public Task HandleAsync(Shape job, JobContext context, CancellationToken cancel) => does.Do(job.ToString(), context, cancel);

    public Task HandleAsync(OtherWork job, JobContext context, CancellationToken cancel) => does.Do(job.Name, context, cancel);
}

/// <summary>What a test's handler does.</summary>
public sealed record Does(Func<string, JobContext, CancellationToken, Task> Do);

/// <summary>An app with jobs on a database: enqueues, and works unless told otherwise.</summary>
public sealed class JobApp : IAsyncDisposable
{
    private readonly IHost _host;

    private JobApp(IHost host) => _host = host;

    public JobClient Client => _host.Services.GetRequiredService<JobClient>();

    public JobWorker Worker => _host.Services.GetRequiredService<JobWorker>();

    public PostgresStore Store => _host.Services.GetRequiredService<PostgresStore>();

    /// <summary>What handlers were called with, in order.</summary>
    public ConcurrentQueue<string> Done { get; } = new();

    public static Task<JobApp> StartAsync(string connectionString, Func<string, JobContext, CancellationToken, Task>? work = null, Action<JobOptions>? configure = null, TimeProvider? time = null) => StartAsync(
        services => services.AddSingleton(provider => new PostgresStore(new PostgresOptions { Name = "main", ConnectionString = connectionString }, TimeProvider.System, provider.GetRequiredService<ILoggerFactory>())),
        work,
        configure,
        time);

    public static Task<JobApp> StartAsync(PostgresOptions store) => StartAsync(
        services => services.AddSingleton(provider => new PostgresStore(store, TimeProvider.System, provider.GetRequiredService<ILoggerFactory>())), null, null, null);

    public static Task<JobApp> StartAsync(ShardedStore store) => StartAsync(services => services.AddSingleton(store), null, null, null);

    private static async Task<JobApp> StartAsync(Action<IServiceCollection> addStore, Func<string, JobContext, CancellationToken, Task>? work, Action<JobOptions>? configure, TimeProvider? time)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.ClearProviders().AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).AddFilter(level => level >= LogLevel.Error);
        JobApp? app = null;
        builder.Services.AddSingleton(new Does(async (name, context, cancel) =>
        {
            await (work?.Invoke(name, context, cancel) ?? Task.CompletedTask);
            app!.Done.Enqueue(name);
        }));
        addStore(builder.Services);
        builder.Services.AddSingleton(time ?? TimeProvider.System);
        var options = new JobOptions { Poll = TimeSpan.FromMilliseconds(200) };
        options.Json.Add(TestJson.Default);
        configure?.Invoke(options);
        builder.Services.AddJobs(options, $"test:{Guid.NewGuid():n}"[..12]);
        app = new JobApp(builder.Build());
        await app._host.StartAsync();
        return app;
    }

    /// <summary>As SIGTERM does.</summary>
    public Task StopAsync() => _host.StopAsync(CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync(CancellationToken.None);
        await ((IAsyncDisposable)_host).DisposeAsync();
    }
}
