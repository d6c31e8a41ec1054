using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using Tenfold.Load.Loops;

namespace Tenfold.Load.Http;

/// <summary>
/// A socket of a loop as a stream, for <see cref="System.Net.Security.SslStream"/>: one read and one write at a time, each
/// completed on the loop's thread.
/// </summary>
internal sealed class LoopStream(EventLoop loop, Socket socket) : Stream
{
    private readonly Operation _read = new();
    private readonly Operation _write = new();
    private Memory<byte> _into;
    private ReadOnlyMemory<byte> _from;
    private bool _reading;
    private bool _writing;
    private bool _disposed;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>The socket can be read or written.</summary>
    public void OnReady(uint events)
    {
        if (_writing && (events & (Native.Out | Native.Hup | Native.Err)) != 0)
        {
            TryWrite(later: true);
        }

        if (_reading && !_disposed && (events & (Native.In | Native.Hup | Native.Err)) != 0)
        {
            TryRead(later: true);
        }
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _into = buffer;
        if (buffer.IsEmpty)
        {
            // SslStream asks so whether there is anything at all; a later read tells.
            return ValueTask.FromResult(0);
        }

        _read.Begin();
        _reading = true;
        TryRead(later: false);
        return new ValueTask<int>(_read, _read.Version);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _from = buffer;
        _write.Begin();
        _writing = true;
        TryWrite(later: false);
        return new ValueTask(_write, _write.Version);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        var gone = new ObjectDisposedException(nameof(LoopStream));
        if (_reading)
        {
            _reading = false;
            _read.Fail(gone);
        }

        if (_writing)
        {
            _writing = false;
            _write.Fail(gone);
        }

        base.Dispose(disposing);
    }

    private void TryRead(bool later)
    {
        var n = socket.Receive(_into.Span, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
        {
            return;
        }

        _ = later;
        _reading = false;
        if (error == SocketError.Success)
        {
            _read.Succeed(n);
        }
        else
        {
            _read.Fail(new IOException($"receive: {error}"));
        }
    }

    private void TryWrite(bool later)
    {
        while (!_from.IsEmpty)
        {
            var n = socket.Send(_from.Span, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
            {
                loop.Change(socket, Native.In | Native.Out);
                return;
            }

            if (error != SocketError.Success)
            {
                _writing = false;
                _write.Fail(new IOException($"send: {error}"));
                return;
            }

            _from = _from[n..];
        }

        if (later)
        {
            loop.Change(socket, Native.In);
        }

        _writing = false;
        _write.Succeed(0);
    }

    /// <summary>A result that can be awaited again and again; continues where it is completed.</summary>
    private sealed class Operation : IValueTaskSource<int>, IValueTaskSource
    {
        private ManualResetValueTaskSourceCore<int> _core;

        public short Version => _core.Version;

        public void Begin() => _core.Reset();

        public void Succeed(int result) => _core.SetResult(result);

        public void Fail(Exception error) => _core.SetException(error);

        public int GetResult(short token) => _core.GetResult(token);

        void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);
    }
}
