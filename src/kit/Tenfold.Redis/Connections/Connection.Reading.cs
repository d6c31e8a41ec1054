using Tenfold.Redis.Protocol;
using Tenfold.Redis.Tracking;

namespace Tenfold.Redis.Connections;

internal sealed partial class Connection
{
    private RespScanner _scanner;

    private async Task<Exception> ReadAsync()
    {
        var input = new ReceiveBuffer();
        CompletionBatch? batch = null;
        try
        {
            while (true)
            {
                var read = _stream.ReadAsync(input.Room(_scanner.Needed));
                var settled = batch;
                batch = null; // the suspension's from here on, also if the read fails: a batch that is run twice loses answers
                var count = await new ReadSuspension(read, settled, _context.Dispatcher);
                if (count == 0)
                {
                    throw new IOException($"{EndPoint} closed the connection{(input.IsEmpty ? "" : " in the middle of an answer")}");
                }

                input.Received(count);
                _context.Counters.Received(count);
                Volatile.Write(ref _lastSign, _context.Ticks.Now);
                batch = _context.Dispatcher.Rent();
                TakeReplies(input, batch);
                if (batch.IsEmpty)
                {
                    _context.Dispatcher.Return(batch);
                    batch = null;
                }

                if (_waiting.Count > 0)
                {
                    Flush();
                }
            }
        }
#pragma warning disable CA1031 // Whatever ends the loop, a tracker's failure too, ends the connection and settles what is on it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (batch is not null)
            {
                Dispatcher.Queue(batch);
            }

            return await EndAsync(Interlocked.CompareExchange(ref _reason, e, null) ?? e, input);
        }
    }

    private void TakeReplies(ReceiveBuffer input, CompletionBatch batch)
    {
        while (RespReader.TryRead(input.Unread, ref _scanner, _context.Limits, out var reply, out var length))
        {
            input.Taken(length);
            if (reply.Kind == RedisReplyKind.Push)
            {
                _context.Pushes.Take(this, reply);
                continue;
            }

            var operation = _ring[_head & _mask];
            if (_head == Volatile.Read(ref _tail) || operation is null)
            {
                throw new RespException($"{EndPoint} sent an answer that nothing asked for: {reply}");
            }

            if (operation.Take(reply, out var result))
            {
                if (operation.Tracker is { } tracker && !result.IsError)
                {
                    TrackedRead.Report(tracker, operation.Key, result); // still in its place, should this throw
                }

                _ring[_head & _mask] = null;
                Volatile.Write(ref _head, _head + 1);
                Settle(operation, result, batch);
            }
        }
    }

    private void Settle(Operation operation, in RedisReply result, CompletionBatch batch)
    {
        if (operation.Started != 0)
        {
            _context.Counters.Took(operation.Started, EndPoint);
        }

        if (result.IsError)
        {
            _context.Counters.Refused();
            if (_context.Resender.TakesOver(operation, result, EndPoint))
            {
                return;
            }
        }

        if (operation.TrySettle(result))
        {
            batch.Add(operation);
        }
    }

    // The reader's last act: nothing is sent or read after it, every local copy is dropped, everything under way fails.
    private async Task<Exception> EndAsync(Exception reason, ReceiveBuffer input)
    {
        Operation[] waiting;
        long tail;
        long handedOver;
        lock (_gate)
        {
            _isClosed = true;
            (tail, handedOver) = (_tail, _handedOver);
            waiting = _waiting.TakeAll();
        }

        await _stream.DisposeAsync();
        input.Release();
        if (IsTracking)
        {
            _context.Pushes.Lost();
        }

        for (; _head < tail; Volatile.Write(ref _head, _head + 1))
        {
            var operation = _ring[_head & _mask]!;
            _ring[_head & _mask] = null;
            Fail(operation, reason, mayHaveExecuted: _head < handedOver);
        }

        foreach (var operation in waiting)
        {
            Fail(operation, reason, mayHaveExecuted: false);
        }

        return reason;
    }

    private void Fail(Operation operation, Exception reason, bool mayHaveExecuted)
    {
        if (operation.IsSettled || (!mayHaveExecuted && _context.Resender.TakesOver(operation)))
        {
            return;
        }

        var ending = mayHaveExecuted ? "before the answer came" : "before the command was sent";
        operation.TryFail(new RedisConnectionException($"The connection to {EndPoint} was lost {ending}: {reason.Message}", mayHaveExecuted, reason));
    }
}
