using Microsoft.Extensions.Logging;
using Tenfold.Jobs.Databases;
using Tenfold.Jobs.Running;

namespace Tenfold.Jobs.Living;

/// <summary>
/// What a worker does for all workers of a database: gives the jobs of those that are presumed dead to others, and throws away what nobody
/// needs any more. Each on a pooled connection of its own for each round, so that neither waits for the other, nor the worker's sign of life for them.
/// </summary>
internal sealed partial class Keeper : IAsyncDisposable
{
    private static readonly TimeSpan RescueLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TidyEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TidySoon = TimeSpan.FromSeconds(1); // there is more
    private static readonly TimeSpan TidyLimit = TimeSpan.FromMinutes(1);

    private readonly JobDatabase _database;
    private readonly WorkerSettings _settings;
    private readonly WorkerRow _self;
    private readonly Housekeeping _housekeeping;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _rounds;

    /// <summary>Begins.</summary>
    public Keeper(JobDatabase database, WorkerSettings settings, WorkerRow self, TimeProvider time, ILogger logger)
    {
        (_database, _settings, _self, _time, _logger) = (database, settings, self, time, logger);
        _housekeeping = new Housekeeping(settings.Options, settings.Queues, time);
        _rounds = Task.WhenAll(
            Task.Run(() => RoundsAsync("Rescue", settings.Options.PresumedDead / 5, RescueLimit, RescueAsync)),
            Task.Run(() => RoundsAsync("Housekeeping", TidyEvery, TidyLimit, TidyAsync)));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _rounds;
        _stop.Dispose();
    }

    // A round answers with the pause after it; null is the ordinary one.
    private async Task RoundsAsync(string name, TimeSpan every, TimeSpan most, Func<CancellationToken, Task<TimeSpan?>> round)
    {
        var failed = "";
        var pause = _settings.Options.PresumedDead; // nobody may be judged before that, and the app has enough to do when it starts
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(pause, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stop.IsCancellationRequested)
            {
                return;
            }

            using var limit = new CancellationTokenSource(most, _time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
            try
            {
                pause = await round(both.Token) ?? every;
                failed = "";
            }
#pragma warning disable CA1031 // Nothing ends these rounds but the end of the app: without them jobs of dead workers would stay theirs.
            catch (Exception e)
#pragma warning restore CA1031
            {
                pause = every;
                if (!_stop.IsCancellationRequested && failed != e.Message)
                {
                    failed = e.Message;
                    LogFailed(_logger, WorkerRow.IsPassing(e) ? null : e, name, _database.Number, e.Message);
                }
            }
        }
    }

    private async Task<TimeSpan?> RescueAsync(CancellationToken cancel)
    {
        if (_self.Id is not 0 and var self && _self.MayJudge)
        {
            await using var connection = await _database.Store.OpenWriterAsync(null, cancel);
            foreach (var (worker, count) in await Rescue.RunAsync(connection, self, _settings.Options.PresumedDead, _settings.Options.Queues, () => _self.MayJudge, cancel))
            {
                LogRescued(_logger, worker, _database.Number, count);
            }
        }

        return null;
    }

    private async Task<TimeSpan?> TidyAsync(CancellationToken cancel)
    {
        await using var connection = await _database.Store.OpenWriterAsync(null, cancel);
        return await _housekeeping.RunAsync(connection, cancel) ? TidySoon : null;
    }

    [LoggerMessage(1, LogLevel.Warning, "Worker {Worker} has given no sign of life in database {Database}; its {Count} jobs are given to others")]
    private static partial void LogRescued(ILogger logger, string worker, int database, int count);

    [LoggerMessage(4, LogLevel.Warning, "{Round} of jobs in database {Database} has failed ({Reason}); it is tried again")]
    private static partial void LogFailed(ILogger logger, Exception? exception, string round, int database, string reason);
}
