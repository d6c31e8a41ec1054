using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Tenfold.Gateway.Http1;

/// <summary>
/// Writes to a client's socket without a pipe between: no second copy, no other loop to wake, and a client that does not
/// read is felt at once. Holds a buffer only between the first write and the end of the flush.
/// </summary>
/// <remarks>One writer at a time, as with every <see cref="PipeWriter"/>. The socket stays its connection's own.</remarks>
internal sealed class SocketWriter(Socket socket) : PipeWriter
{
    // What the buffer of an instance's connection holds, so that an answer taken as a whole leaves as a whole.
    private const int Size = Wire.Http1.Http1Connection.BufferSize;

    private byte[] _buffer = [];
    private int _length;
    private bool _gone;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _length;

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)(_buffer.Length - _length), nameof(bytes));
        _length += bytes;
    }

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(_length);
    }

    public override Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_length);
    }

    /// <summary>Hands all that was written to the system; waits while the client does not take it.</summary>
    /// <returns>Completed when the client has gone; what was written is dropped then.</returns>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        _length == 0 ? new ValueTask<FlushResult>(new FlushResult(isCanceled: false, _gone)) : SendAsync(cancellationToken);

    public override void CancelPendingFlush() => throw new NotSupportedException("A flush ends with its connection.");

    public override void Complete(Exception? exception = null) => Drop();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> SendAsync(CancellationToken cancellationToken)
    {
        try
        {
            for (var sent = 0; sent < _length && !_gone;)
            {
                sent += await socket.SendAsync(_buffer.AsMemory(sent, _length - sent), SocketFlags.None, cancellationToken);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _gone = true;
        }
        finally
        {
            Drop();
        }

        return new FlushResult(isCanceled: false, _gone);
    }

    private void Reserve(int sizeHint)
    {
        if (_buffer.Length - _length >= Math.Max(sizeHint, 1))
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Size, _length + Math.Max(sizeHint, _length)));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        var length = _length;
        Drop();
        (_buffer, _length) = (larger, length);
    }

    private void Drop()
    {
        var buffer = _buffer;
        (_buffer, _length) = ([], 0);
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
