using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;
using Tenfold.Jobs.Databases;
using Tenfold.Jobs.Schema;

namespace Tenfold.Jobs.Enqueueing;

/// <summary>
/// Tells workers that a queue has got a job: on a connection of its own and coalesced. NOTIFY takes a lock of the whole server
/// at commit; within the transactions that enqueue it would make these commit one after another. Best effort: workers look by themselves, too.
/// </summary>
internal sealed class Waker : IAsyncDisposable
{
    /// <summary>Ends the name of a queue whose job may not be committed yet: look again for a while.</summary>
    public const char Soon = '\t';

    private const int LongestPause = 5; // pauses

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5); // between two notifications; longer the more come meanwhile
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly HashSet<(JobDatabase Database, string Text)> _waiting = [];
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private Task? _sending;
    private int _coalesced;

    public Waker(TimeProvider time, ILogger logger) => (_time, _logger) = (time, logger);

    /// <summary>Told at once of each wake: the worker of the same process.</summary>
    public Action<int, string>? Woken { get; set; }

    /// <summary>A queue has got a job, which is committed by now, or will be soon.</summary>
    public void Wake(JobDatabase database, string queue, bool committed)
    {
        var text = committed ? queue : queue + Soon;
        Woken?.Invoke(database.Number, text);
        lock (_lock)
        {
            if (!_waiting.Add((database, text)))
            {
                _coalesced++;
                return;
            }

            _sending ??= SendAsync();
        }

        _signal.Writer.TryWrite(true);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await (_sending ?? Task.CompletedTask);
        _stop.Dispose();
    }

    private async Task SendAsync()
    {
        await Task.Yield();
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await _signal.Reader.ReadAsync(_stop.Token);
                (JobDatabase Database, string Text)[] told;
                int coalesced;
                lock (_lock)
                {
                    (told, coalesced) = ([.. _waiting], _coalesced);
                    _coalesced = 0;
                    _waiting.Clear();
                }

                await Task.WhenAll(told.GroupBy(one => one.Database).Select(database => SendAsync(database.Key, [.. database.Select(one => one.Text)])));

                await Task.Delay(Pause * Math.Clamp(coalesced, 1, LongestPause), _time, _stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Nothing ends this loop but disposal: nobody would start it again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _logger.LogError(e, "Workers could not be told of jobs; they look by themselves");
                await Task.Delay(Limit, _time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task SendAsync(JobDatabase database, string[] texts)
    {
        using var limit = new CancellationTokenSource(Limit, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
        try
        {
            await using var connection = await database.Store.OpenWriterAsync(null, both.Token);
            // Nothing that must be on disk: this commit would only stand in the way of those that must.
            await using var command = new NpgsqlCommand($"SELECT set_config('synchronous_commit', 'off', true), pg_notify('{JobSchema.Channel}', queue) FROM unnest($1) AS queue", connection)
            {
                Parameters = { new NpgsqlParameter<string[]> { TypedValue = texts } },
            };
            await command.ExecuteNonQueryAsync(both.Token);
        }
#pragma warning disable CA1031 // One database must not stand in the way of the others.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _logger.LogDebug(e, "Workers could not be told of jobs in database {Database}; they look by themselves", database.Number);
        }
    }
}
