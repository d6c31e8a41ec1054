using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Tenfold.Jobs.Databases;
using Tenfold.Jobs.Enqueueing;
using Tenfold.Jobs.Kinds;
using Tenfold.Jobs.Metrics;
using Tenfold.Jobs.Outbox;
using Tenfold.Jobs.Schedules;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Tenfold.Jobs;

/// <summary>Puts jobs into a container. In an app with <c>AddTenfold()</c> take its <c>AddJobs()</c>, which also reads the guide.</summary>
public static class JobServices
{
    /// <summary>
    /// A <see cref="JobClient"/>, the <see cref="JobWorker"/> as a service of the app, and the handlers, each made anew for every run. A
    /// <see cref="PostgresStore"/> or a <see cref="ShardedStore"/> must be in the container: keyed by <see cref="JobOptions.Store"/>, or unkeyed where that is null.
    /// </summary>
    /// <param name="services">The container.</param>
    /// <param name="options">All of it set.</param>
    /// <param name="name">The worker's name, for people.</param>
    /// <param name="works">Whether this process works on a queue, where <see cref="JobOptions.Work"/> does not say. Default: on all.</param>
    /// <exception cref="JobOptionsException">An option is out of range.</exception>
    public static IServiceCollection AddJobs(this IServiceCollection services, JobOptions options, string name, Func<string, bool>? works = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(options);
        JobOptionsCheck.Require(options);
        var kinds = JobKinds.Of(options);
        if (works is not null)
        {
            options.Work ??= [.. QueuesOf(kinds, options).Where(works)];
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton(kinds);
        services.AddSingleton(provider => Sharded(provider, options.Store) is { } sharded ? new JobDatabases(sharded) : new JobDatabases(Single(provider, options.Store)));
        services.AddSingleton(provider => new Waker(provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<JobClient>>()));
        services.AddSingleton(provider => new JobClient(kinds, provider.GetRequiredService<JobDatabases>(), provider.GetRequiredService<Waker>(), options));
        services.AddHostedService<JobTables>();
        services.AddSingleton(provider => new JobWorker(
            name,
            kinds,
            provider.GetRequiredService<JobDatabases>(),
            provider.GetRequiredService<Waker>(),
            options,
            provider.GetRequiredService<IServiceScopeFactory>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<JobWorker>>()));
        services.AddHostedService(provider => provider.GetRequiredService<JobWorker>());
        if (options.Outbox is { } outbox)
        {
            services.AddSingleton(provider => new WebhookSender(outbox, provider.GetRequiredService<TimeProvider>()));
        }

        services.AddHostedService<QueueMetrics>();
        if (options.Schedules.Count > 0)
        {
            services.AddHostedService<Scheduler>();
        }

        foreach (var handler in kinds.Handlers)
        {
            services.TryAddTransient(handler);
        }

        return services;
    }

    /// <summary>Queues that an app has handlers for, and those that its options describe.</summary>
    internal static IEnumerable<string> QueuesOf(JobKinds kinds, JobOptions options) =>
        kinds.Handled.Select(kind => kind.Queue).Concat(options.Queues.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);

    private static ShardedStore? Sharded(IServiceProvider provider, string? store) => store is null ? provider.GetService<ShardedStore>() : provider.GetKeyedService<ShardedStore>(store);

    private static PostgresStore Single(IServiceProvider provider, string? store) => store is null ? provider.GetRequiredService<PostgresStore>() : provider.GetRequiredKeyedService<PostgresStore>(store);
}
