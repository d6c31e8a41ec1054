using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Jobs.Schema;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Tenfold.Jobs.Databases;

/// <summary>Makes the tables in each database of the store, before the app serves where that is possible, and in those that come later.</summary>
internal sealed partial class JobTables(JobDatabases databases, TimeProvider time, ILogger<JobTables> logger) : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly HashSet<JobDatabase> _made = [];
    private string _failed = "";

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(StartLimit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        await TryAsync(both.Token);
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await TryAsync(stoppingToken);
        }
    }

    private async Task TryAsync(CancellationToken cancel)
    {
        try
        {
            foreach (var database in databases.Now.Where(database => !_made.Contains(database)))
            {
                await using var connection = await database.Store.OpenWriterAsync(null, cancel);
                await JobSchema.EnsureAsync(connection, database.Number, cancel);
                _made.Add(database);
            }
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or IOException or TimeoutException or OperationCanceledException)
        {
            if (!cancel.IsCancellationRequested && _failed != e.Message)
            {
                LogNotMade(logger, e.Message);
                _failed = e.Message;
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The tables of jobs could not be made yet, and are tried again: {Reason}")]
    private static partial void LogNotMade(ILogger logger, string reason);
}
