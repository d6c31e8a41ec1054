using System.Text;
using Microsoft.Extensions.Logging;
using Tenfold.Redis;

namespace Tenfold.Caching.Coherence;

/// <summary>
/// The cache's own loop: beats, which prolongs the lease and says to others that this node lives; and after every loss of the
/// connection tells Redis what was invalidated meanwhile, before anything is read from it again.
/// </summary>
internal sealed class Keeper(RedisClient client, bool isCluster, RedisTier tier, CacheState state, CacheOptions options, ILogger logger) : IAsyncDisposable
{
    private const int Batch = 256;

    private static readonly TimeSpan SoonestRetry = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LatestRetry = TimeSpan.FromMilliseconds(250);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _kick = new(0, 1);
    private Task _running = Task.CompletedTask;
    private int _checkedEpoch = -1;
    private bool _away;

    /// <summary>Completes when Redis may be used for the first time.</summary>
    public Task Ready => _ready.Task;

    public void Start() => _running = RunAsync();

    /// <summary>Beats now.</summary>
    public void Kick()
    {
        if (_kick.CurrentCount == 0)
        {
            try
            {
                _kick.Release();
            }
            catch (SemaphoreFullException)
            {
                // Another one did.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    private async Task RunAsync()
    {
        var interval = (options.PropagationBound < options.NodeTimeout ? options.PropagationBound : options.NodeTimeout) / 4;
        var pause = SoonestRetry;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await BeatAsync();
                Report(null);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it is: a cache whose loop has ended would never be coherent again.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                Report(failure);
            }

            // While Redis is not in use it is asked more often, however long the bound: the cache is to be ready soon.
            pause = state.Journal.IsOpen ? SoonestRetry : pause * 2 < LatestRetry ? pause * 2 : LatestRetry;
            try
            {
                await _kick.WaitAsync(state.Journal.IsOpen || interval < pause ? interval : pause, _stop.Token);
                // A kick while nothing can be reached must not spin.
                await Task.Delay(TimeSpan.FromMilliseconds(5), state.Clock.Time, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task BeatAsync()
    {
        var (epoch, sent) = (state.Lease.Epoch, state.Clock.Now);
        try
        {
            await client.ExecuteAsync(["SET", state.Keys.Node(state.Node), 1, "PX", (long)options.NodeTimeout.TotalMilliseconds], _stop.Token);
        }
        catch (RedisServerException full) when (full.Code == "OOM")
        {
            // No memory even for that: it answers all the same, and that is what the lease asks.
        }

        state.Lease.Prolong(epoch, sent + state.Clock.Ticks(options.PropagationBound));
        if (!state.Journal.IsOpen)
        {
            await CatchUpAsync(epoch);
        }
        else if (isCluster)
        {
            await CheckRunAsync(); // a node that took over is not always known yet when the connection to the former one is lost
        }
    }

    private async Task CatchUpAsync(int epoch)
    {
        if (_checkedEpoch != epoch)
        {
            await CheckRunAsync();
            // A script that is sent in full first arrives after what was sent behind it.
            await Task.WhenAll(Scripts.All.Select(script => client.ExecuteAsync(["SCRIPT", "LOAD", script.Text], _stop.Token).AsTask()));
            _checkedEpoch = epoch;
        }

        for (var round = 0; round < 16; round++)
        {
            if (state.Journal.Peek(out var upTo) is { } pending)
            {
                foreach (var batch in pending.Chunk(Batch))
                {
                    await Task.WhenAll(batch.Select(tier.SendAsync));
                }
            }
            else
            {
                logger.LogWarning("More than {Count} invalidations came while Redis was away; all entries of the cache are invalidated", options.JournalSize);
                await tier.SendAsync(new PendingInvalidation(null, TagTable.All));
            }

            state.Journal.Acknowledge(upTo);
            if (state.Journal.TryOpen(() => state.Lease.Epoch == epoch))
            {
                _ready.TrySetResult();
                return;
            }

            if (state.Lease.Epoch != epoch)
            {
                return;
            }
        }
    }

    /// <summary>A server that was started again, or that took over, may hold entries from before invalidations that it has lost.</summary>
    private async Task CheckRunAsync()
    {
        var run = isCluster
            ? ServerRun.OfCluster((await client.ExecuteAsync(["CLUSTER", "NODES"], _stop.Token)).Text ?? "")
            : ServerRun.OfServer((await client.ExecuteAsync(["INFO", "server"], _stop.Token)).Text ?? "");
        var reset = await client.EvaluateAsync(
            Scripts.BeginRun, [state.Keys.Run(TagTable.All), state.Keys.Tag(TagTable.All)], [Encoding.ASCII.GetBytes(run)], _stop.Token);
        if (reset.Integer == 1)
        {
            logger.LogInformation("Redis runs anew ({Run}): entries from before are not used", run);
        }
    }

    private void Report(Exception? failure)
    {
        if (failure is not null && !_away)
        {
            logger.LogWarning("Redis is away: the cache goes on in memory and tells it later what was invalidated ({Message})", failure.Message);
        }
        else if (failure is null && _away)
        {
            logger.LogInformation("Redis is back: the cache is coherent again");
        }

        _away = failure is not null;
    }
}
