using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.AspNetCore.Stores;
using Tenfold.Guide;
using Tenfold.Postgres.Partitions;

namespace Tenfold.AspNetCore.Partitions;

/// <summary>
/// Keeps the partitions that the guide declares: makes what is missing before the app serves, and everything else every hour and
/// a little. Whatever fails is logged and tried again; the app does not wait for long.
/// </summary>
internal sealed partial class PartitionService(IEnumerable<PartitionKeeper> keepers, TimeProvider time, ILogger<PartitionService> log) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    private readonly PartitionKeeper[] _told = [.. keepers];
    private readonly List<PartitionKeeper> _found = []; // databases that a sharded store has got since the start

    /// <summary>A keeper for each database of each store with partitions: <c>main</c>, and <c>main_1</c> and so on where it is sharded.</summary>
    public static void Add(IServiceCollection services, IConfiguration configuration, SystemGuide? guide)
    {
        var any = false;
        foreach (var (name, store) in guide?.Stores ?? new Dictionary<string, Store>())
        {
            foreach (var entry in configuration.GetSection("ConnectionStrings").GetChildren())
            {
                if (store.Partitions.Count > 0 && IsOf(name, entry.Key) && entry.Value is { Length: > 0 } text)
                {
                    any = true;
                    // The lock that makes instances take turns is a session's.
                    var direct = Pooler.Of(configuration, entry.Key) is not { } pooler ? text : pooler.Direct ?? throw new InvalidOperationException(
                        $"Store '{entry.Key}' is behind a pooler, and the guide has it keep partitions, which needs sessions: set Tenfold:Pooler:{entry.Key}:Direct to a connection string past the pooler.");
                    services.AddSingleton(provider => new PartitionKeeper(
                        new PartitionOptions { Name = entry.Key, ConnectionString = direct, Tables = [.. store.Partitions.Select(table => Of(table, guide!.Folder))] },
                        provider.GetRequiredService<TimeProvider>(), new Random(), provider.GetRequiredService<ILoggerFactory>()));
                }
            }
        }

        if (any)
        {
            services.AddHostedService<PartitionService>();
        }
    }

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(StartLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        await Task.WhenAll(_told.Select(keeper => TryAsync(keeper, keeper.MakeAsync, both.Token)));
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.WhenAll(_told.Select(keeper => FindAsync(keeper, stoppingToken)));
            var done = await Task.WhenAll(_told.Concat(_found).Select(keeper => TryAsync(keeper, keeper.RunAsync, stoppingToken)));
            await Task.Delay(Array.TrueForAll(done, one => one) ? Every : AfterFailure, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        foreach (var keeper in _found)
        {
            await keeper.DisposeAsync();
        }
    }

    // Of a home database: the others in its map that this instance was not told of.
    private async Task FindAsync(PartitionKeeper home, CancellationToken cancel)
    {
        try
        {
            var others = await home.OthersAsync([.. _told.Concat(_found).Select(keeper => keeper.Name)], cancel);
            lock (_found)
            {
                _found.AddRange(others);
            }
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            // the run says so
        }
    }

    private async Task<bool> TryAsync(PartitionKeeper keeper, Func<CancellationToken, Task<PartitionReport>> run, CancellationToken cancel)
    {
        try
        {
            return (await run(cancel)).Failures.Count == 0;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException)
        {
            if (e is not OperationCanceledException)
            {
                LogFailed(log, keeper.Name, e.Message);
            }

            return false;
        }
    }

    private static bool IsOf(string store, string key) =>
        key.Equals(store, StringComparison.OrdinalIgnoreCase)
        || (key.StartsWith(store + "_", StringComparison.OrdinalIgnoreCase) && int.TryParse(key.AsSpan(store.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _));

    private static Postgres.Partitions.PartitionedTable Of(Guide.PartitionedTable table, string folder) => new()
    {
        Table = table.Table,
        By = table.By,
        Every = table.Every switch
        {
            CalendarPeriod.Day => PartitionPeriod.Day,
            CalendarPeriod.Week => PartitionPeriod.Week,
            CalendarPeriod.Month => PartitionPeriod.Month,
            _ => PartitionPeriod.Year,
        },
        Ahead = table.Ahead,
        Keep = table.Keep,
        Archive = table.Archive is { } archive ? Path.Combine(folder, archive) : null,
    };

    [LoggerMessage(1, LogLevel.Warning, "The partitions of database {Database} could not be kept and are tried again: {Failure}")]
    private static partial void LogFailed(ILogger log, string database, string failure);
}
