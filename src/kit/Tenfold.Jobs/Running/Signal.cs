using System.Threading.Channels;

namespace Tenfold.Jobs.Running;

/// <summary>Wakes one loop. Set before anybody waits, it is not lost; set twice, it wakes once.</summary>
internal sealed class Signal(TimeProvider time)
{
    private readonly Channel<bool> _channel = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private Task? _waiting;

    public void Set() => _channel.Writer.TryWrite(true);

    /// <summary>Until it is set, or the time is over; infinite is allowed.</summary>
    public async Task WaitAsync(TimeSpan limit, CancellationToken cancel)
    {
        if (!_channel.Reader.TryRead(out _))
        {
            _waiting ??= _channel.Reader.WaitToReadAsync(CancellationToken.None).AsTask(); // kept over a limit, so that waiters do not pile up
            await _waiting.WaitAsync(limit, time, cancel).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancel.ThrowIfCancellationRequested();
            if (!_waiting.IsCompleted)
            {
                return;
            }

            _channel.Reader.TryRead(out _);
        }

        _waiting = _waiting is { IsCompleted: true } ? null : _waiting;
    }
}
