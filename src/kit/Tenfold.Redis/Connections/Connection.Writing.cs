namespace Tenfold.Redis.Connections;

internal sealed partial class Connection
{
    private const int Piece = 256 * 1024;

    /// <summary>Lets those in that wait and for which there is room, and sends what has gathered, if nobody does so already.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            LetIn();
            if (_flushing || _output.Count == 0)
            {
                return;
            }

            _flushing = true;
        }

        Write();
    }

    // The first command of a quiet connection leaves at once. While answers are due, what is given leaves in larger pieces:
    // with whatever else this thread gives, or with what others give until another thread gets to it.
    private void FlushSoon()
    {
        if (_context.Dispatcher.TryHold(this))
        {
            return;
        }

        lock (_gate)
        {
            if (_flushing || _output.Count == 0)
            {
                return;
            }

            _flushing = true;
        }

        if (_tail - Volatile.Read(ref _head) <= 1)
        {
            Write();
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(static self => self.Write(), this, preferLocal: false);
        }
    }

    // By whoever set _flushing; ends when nothing is left.
    private void Write()
    {
        while (TryTakeOutput(out var bytes))
        {
            var write = WriteAsync(bytes);
            if (!write.IsCompletedSuccessfully)
            {
                _ = WriteOnAsync(write);
                return;
            }
        }
    }

    private async Task WriteOnAsync(ValueTask write)
    {
        await write;
        while (TryTakeOutput(out var bytes))
        {
            await WriteAsync(bytes);
        }
    }

    private ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var write = bytes.Length > Piece ? InPiecesAsync(bytes) : _stream.WriteAsync(bytes);
            return write.IsCompletedSuccessfully ? write : Caught(write);
        }
#pragma warning disable CA1031 // Whatever the stream fails with is the connection's end, not that of the caller who happens to write.
        catch (Exception e)
        {
            Abort(e);
            return default;
        }

        async ValueTask Caught(ValueTask writing)
        {
            try
            {
                await writing;
            }
            catch (Exception e)
            {
                Abort(e);
            }
#pragma warning restore CA1031
        }
    }

    // What takes long to send and goes on being taken is a sign of life: no answer can come before its end.
    private async ValueTask InPiecesAsync(ReadOnlyMemory<byte> bytes)
    {
        for (; !bytes.IsEmpty; bytes = bytes[Math.Min(Piece, bytes.Length)..])
        {
            await _stream.WriteAsync(bytes[..Math.Min(Piece, bytes.Length)]);
            Volatile.Write(ref _lastSign, _context.Ticks.Now);
        }
    }

    private bool TryTakeOutput(out ReadOnlyMemory<byte> bytes)
    {
        lock (_gate)
        {
            _sending.Clear(KeptOutput);
            LetIn();
            if (_output.Count == 0 || _isClosed)
            {
                _flushing = false;
                bytes = default;
                return false;
            }

            (_output, _sending) = (_sending, _output);
            var handedOver = _handedOver;
            _handedOver = _tail;
            bytes = _sending.Memory;
            _context.Counters.Sent(bytes.Length, (int)(_tail - handedOver));
            return true;
        }
    }

    // Under the gate: those that waited for room enter in their order.
    private void LetIn()
    {
        while (_waiting.Count > 0 && _tail - Volatile.Read(ref _head) < _ring.Length && _output.Count < _context.Options.MaxUnsentBytes)
        {
            var operation = _waiting.Take();
            if (!operation.IsSettled)
            {
                operation.WriteTo(_output);
                Enter(operation);
            }
        }
    }
}
