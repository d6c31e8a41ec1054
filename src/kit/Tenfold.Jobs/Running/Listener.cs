using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Jobs.Databases;
using Tenfold.Jobs.Schema;
using Tenfold.Postgres;

namespace Tenfold.Jobs.Running;

/// <summary>
/// Hears of new jobs of a database, on a connection of its own that is made anew when it is lost. Behind a pooler in transaction mode there is no
/// such thing, and workers look by themselves only.
/// </summary>
internal sealed partial class Listener : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(10); // a connection that is cut without a word is noticed so late

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    private Listener(JobDatabase database, Action<string> told, TimeProvider time, ILogger logger) =>
        _loop = database.Store.IsPooled ? Task.CompletedTask : Task.Run(() => LoopAsync(database, told, time, logger, _stop.Token));

    public static Listener Start(JobDatabase database, Action<string> told, TimeProvider time, ILogger logger) => new(database, told, time, logger);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private static async Task LoopAsync(JobDatabase database, Action<string> told, TimeProvider time, ILogger logger, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.Store.OpenWriterAsync(null, stop);
                connection.Notification += (_, notification) => told(notification.Payload);
                await ExecuteAsync(connection, $"LISTEN {JobSchema.Channel}", stop);
                try
                {
                    while (true)
                    {
                        if (!await connection.WaitAsync(AskEvery, stop))
                        {
                            await ExecuteAsync(connection, "SELECT 1", stop);
                        }
                    }
                }
                finally
                {
                    // It goes back to its pool, where nobody wants to hear of jobs.
                    using var limit = new CancellationTokenSource(Pause, time);
                    await ExecuteAsync(connection, "UNLISTEN *", limit.Token);
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is NpgsqlException or PostgresStoreException or IOException or OperationCanceledException or InvalidOperationException)
            {
                LogLost(logger, database.Number, e.Message);
                await Task.Delay(Pause, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancel)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancel);
    }

    [LoggerMessage(1, LogLevel.Debug, "Not told of new jobs of database {Database} for now ({Reason}); they are looked for")]
    private static partial void LogLost(ILogger logger, int database, string reason);
}
