using System.Text;
using System.Threading.Channels;

namespace Tenfold.Runtime.Logs;

/// <summary>How much of a log is kept.</summary>
/// <param name="Bytes">Size at which a file is rotated. Default 10 MiB.</param>
/// <param name="Files">Files kept, the current one included. Default 3.</param>
/// <param name="Queue">Lines that may wait for the disk; further ones are dropped and counted. Default 4096.</param>
public sealed record LogLimits(long Bytes = 10 << 20, int Files = 3, int Queue = 4096);

/// <summary>
/// The output of one process, on disk: <c>NAME.log</c>, rotated to <c>NAME.log.1</c>, <c>NAME.log.2</c>.
/// Writing never waits and never fails: what a slow or full disk cannot take is dropped, counted, and said once it works again.
/// Thread-safe.
/// </summary>
public sealed class LogFile : IAsyncDisposable
{
    private const int TailLines = 50;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly LogLimits _limits;
    private readonly Action<string>? _warn;
    private readonly Channel<LogLine> _queue;
    private readonly Queue<string> _tail = new(TailLines);
    private readonly Task _writing;

    private FileStream? _stream;
    private long _failedAt;
    private bool _failing;
    private long _dropped;
    private long _unsaid; // dropped lines that the file does not tell of yet

    /// <param name="path">The current file; its folder must exist.</param>
    /// <param name="time">Clock of the lines.</param>
    /// <param name="limits">Size, number of files, queue.</param>
    /// <param name="warn">Told once when the disk takes no more, and once when it does again.</param>
    public LogFile(string path, TimeProvider time, LogLimits? limits = null, Action<string>? warn = null)
    {
        _path = path;
        _time = time;
        _limits = limits ?? new LogLimits();
        _warn = warn;
        _queue = Channel.CreateBounded<LogLine>(new BoundedChannelOptions(_limits.Queue) { SingleReader = true });
        _writing = Task.Run(WriteAllAsync);
    }

    /// <summary>Lines that were lost, since the start.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    /// <summary>Adds a line; returns at once.</summary>
    public void Write(LogOrigin stream, string text)
    {
        lock (_tail)
        {
            if (_tail.Count == TailLines)
            {
                _tail.Dequeue();
            }

            _tail.Enqueue(text);
        }

        if (!_queue.Writer.TryWrite(new LogLine(_time.GetUtcNow(), stream, text)))
        {
            Drop(1);
        }
    }

    /// <summary>The last lines, newest last, at most 50; kept in memory, so also when the disk is full.</summary>
    public IReadOnlyList<string> Tail(int lines)
    {
        lock (_tail)
        {
            return _tail.TakeLast(lines).ToArray();
        }
    }

    /// <summary>Writes what is waiting and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing;
    }

    private async Task WriteAllAsync()
    {
        var batch = new StringBuilder();
        while (await _queue.Reader.WaitToReadAsync())
        {
            var lines = 0;
            while (batch.Length < 64 * 1024 && _queue.Reader.TryRead(out var line))
            {
                batch.Append(line.ToString()).Append('\n');
                lines++;
            }

            WriteBatch(batch.ToString(), lines);
            batch.Clear();
        }

        Close();
    }

    private void WriteBatch(string text, int lines)
    {
        if (_failing && _time.GetElapsedTime(_failedAt) < RetryAfter)
        {
            Drop(lines);
            return;
        }

        try
        {
            var stream = Open();
            var unsaid = Interlocked.Exchange(ref _unsaid, 0);
            if (unsaid > 0)
            {
                text = new LogLine(_time.GetUtcNow(), LogOrigin.Host, $"{unsaid} lines before this one were lost: the disk did not take them") + "\n" + text;
            }

            stream.Write(Encoding.UTF8.GetBytes(text));
            stream.Flush();
            if (_failing)
            {
                _failing = false;
                _warn?.Invoke($"{_path} is written again; {unsaid} lines were lost");
            }

            if (stream.Length >= _limits.Bytes)
            {
                Rotate();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Close();
            Drop(lines);
            if (!_failing)
            {
                _warn?.Invoke($"{_path} cannot be written, lines are dropped: {e.Message}");
            }

            _failing = true;
            _failedAt = _time.GetTimestamp();
        }
    }

    // bufferSize 0: a failed write must not be tried again when the stream is closed
    private FileStream Open() => _stream ??= new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);

    private void Rotate()
    {
        Close();
        for (var i = _limits.Files - 1; i >= 1; i--)
        {
            var from = i == 1 ? _path : $"{_path}.{i - 1}";
            if (File.Exists(from))
            {
                File.Move(from, $"{_path}.{i}", overwrite: true);
            }
        }

        if (_limits.Files == 1)
        {
            File.Delete(_path);
        }
    }

    private void Close()
    {
        try
        {
            _stream?.Dispose();
        }
        catch (IOException)
        {
            // close(2) may report the full disk again; the lines are counted already
        }

        _stream = null;
    }

    private void Drop(int lines)
    {
        Interlocked.Add(ref _dropped, lines);
        Interlocked.Add(ref _unsaid, lines);
    }
}
