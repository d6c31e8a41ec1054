using System.Text;
using System.Threading.Channels;

namespace Tenfold.Runtime.Processes;

/// <summary>Turns a child's output into lines, in bounded memory, and never lets a slow consumer stop the child for long.</summary>
internal sealed class OutputReader
{
    /// <summary>Longer lines are cut here, with a mark that tells their length.</summary>
    public const int LongestLine = 16 * 1024;

    private const int QueuedLines = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Channel<string> _lines = Channel.CreateBounded<string>(new BoundedChannelOptions(QueuedLines) { SingleReader = true, SingleWriter = true });
    private readonly byte[] _line = new byte[LongestLine];
    private readonly TimeProvider _time;
    private long _lineLength;
    private int _dropped;
    private bool _stalled;

    private OutputReader(TimeProvider time) => _time = time;

    /// <summary>Delivers every line until the stream ends or the token says so; never throws.</summary>
    public static async Task RunAsync(Stream stream, Action<string> onLine, TimeProvider time, CancellationToken cancel)
    {
        var reader = new OutputReader(time);
        var deliver = reader.DeliverAsync(onLine);
        await reader.ReadAsync(stream, cancel);
        reader._lines.Writer.Complete();
        await deliver;
    }

    private async Task ReadAsync(Stream stream, CancellationToken cancel)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            int read;
            while ((read = await stream.ReadAsync(buffer, cancel)) > 0)
            {
                for (var rest = buffer.AsMemory(0, read); !rest.IsEmpty;)
                {
                    var end = rest.Span.IndexOf((byte)'\n');
                    Keep(rest.Span[..(end < 0 ? rest.Length : end)]);
                    if (end < 0)
                    {
                        break;
                    }

                    await QueueAsync(Take());
                    rest = rest[(end + 1)..];
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // the pipe is gone, or somebody outside the child still holds it open
        }

        if (_lineLength > 0)
        {
            await QueueAsync(Take());
        }
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        if (_lineLength < LongestLine)
        {
            part[..(int)Math.Min(part.Length, LongestLine - _lineLength)].CopyTo(_line.AsSpan((int)_lineLength));
        }

        _lineLength += part.Length;
    }

    private string Take()
    {
        var length = (int)Math.Min(_lineLength, LongestLine);
        var text = Encoding.UTF8.GetString(_line, 0, length).TrimEnd('\r');
        var cut = _lineLength > LongestLine;
        text = cut ? $"{text} … (line of {_lineLength} bytes, cut)" : text;
        _lineLength = 0;
        return text;
    }

    private async ValueTask QueueAsync(string line)
    {
        if (_lines.Writer.TryWrite(line))
        {
            _stalled = false;
            return;
        }

        // Once a wait was in vain, lines are dropped without waiting until there is room again.
        if (!_stalled)
        {
            using var patience = new CancellationTokenSource(Patience, _time);
            try
            {
                await _lines.Writer.WriteAsync(line, patience.Token);
                return;
            }
            catch (OperationCanceledException)
            {
                _stalled = true;
            }
        }

        Interlocked.Increment(ref _dropped);
    }

    private async Task DeliverAsync(Action<string> onLine)
    {
        await foreach (var line in _lines.Reader.ReadAllAsync())
        {
            Tell(onLine, line);
            if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped)
            {
                Tell(onLine, $"… ({dropped} lines dropped: they came faster than they could be kept)");
            }
        }

        if (_dropped > 0)
        {
            Tell(onLine, $"… ({_dropped} lines dropped: they came faster than they could be kept)");
        }
    }

    private static void Tell(Action<string> onLine, string line)
    {
        try
        {
            onLine(line);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            // a log that cannot be written (disk full) must not end the system
        }
    }
}
