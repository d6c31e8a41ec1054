using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Guide;
using Tenfold.Postgres;

namespace Tenfold.AspNetCore.Stores;

/// <summary>A store, and how many connections each instance opens to its servers beside the store's own.</summary>
internal sealed record CheckedStore(PostgresStore Store, int Beside);

/// <summary>
/// Says once, when the app is ready, whether all its instances together may open more connections than a server takes. Under
/// <c>tenfold up</c> that was seen to before; elsewhere nobody else looks.
/// </summary>
internal sealed partial class ConnectionCheck(IEnumerable<CheckedStore> stores, SystemGuide? guide, Task ready, TimeProvider time, ILogger<ConnectionCheck> log) : BackgroundService
{
    private const int Attempts = 10;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(30); // also how long it waits for a readiness check that may never come

    /// <summary>What is wrong with a server's connections, as a sentence that says what to do; null for nothing.</summary>
    public static string? Problem(string store, ServerConnections server, int beside, long? instances)
    {
        var each = server.Most + beside;
        var wanted = each * (instances ?? 1);
        if (wanted <= server.Allowed)
        {
            return null;
        }

        var fitting = (server.Allowed / (instances ?? 1)) - beside - 1; // one for the watch
        var advice = fitting >= ConnectionNeed.LeastPool
            ? $"Set stores.{store}.pool.max (Maximum Pool Size) to {fitting} or less, or raise the server's limit"
            : "Lower scale.max, raise the server's limit, or put a pooler before it";
        return instances is { } many
            ? $"{many} instances (scale.max of every service, and one more while one is replaced) × {each} connections are {wanted}, and {server.Server} takes {server.Allowed} ({server.By}): over that, instances fail to connect. {advice}"
            : $"this instance alone may open {each} connections, and {server.Server} takes {server.Allowed} ({server.By}): over that it fails to connect. {advice}";
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.WhenAny(ready, Task.Delay(Pause, time, stoppingToken)); // nobody is asked while it starts
        await Task.WhenAll(stores.Select(store => CheckAsync(store, stoppingToken)));
    }

    private async Task CheckAsync(CheckedStore one, CancellationToken cancel)
    {
        for (var attempt = 1; attempt <= Attempts && !cancel.IsCancellationRequested; attempt++)
        {
            try
            {
                foreach (var server in await one.Store.ConnectionsAsync(cancel))
                {
                    if (Problem(one.Store.Name, server, one.Beside, guide is null ? null : ConnectionNeed.Instances(guide)) is { } problem)
                    {
                        LogProblem(log, guide is null ? LogLevel.Warning : LogLevel.Error, one.Store.Name, problem);
                    }
                }

                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or OperationCanceledException or ObjectDisposedException)
            {
                // Readiness tells of a server that does not answer.
                await Task.Delay(Pause, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    [LoggerMessage(EventId = 1, Message = "Store {Store}: {Problem}")]
    private static partial void LogProblem(ILogger log, LogLevel level, string store, string problem);
}
