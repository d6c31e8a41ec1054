using System.Buffers;
using System.IO.Pipelines;
using Tenfold.Gateway.Forwarding;
using Tenfold.Gateway.Listening;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Http1;

/// <summary>Takes request bodies off a client connection: framing, limit, slowest rate. Reused; one reader at a time.</summary>
internal sealed class Http1Body(PipeReader input, GatewayClock clock, long limit, int slowest)
{
    private const long Grace = 5000; // ms before the rate is asked for

    private readonly ChunkedDecoder _chunked = new();
    private bool _isChunked;
    private long _left;
    private long _read;
    private long _waited; // ms spent waiting for the client
    private long _waitingSince; // 0 when not waiting
    private volatile ClientException? _stopped;

    /// <summary>Whether some of it has not been read.</summary>
    public bool Left { get; private set; }

    public HeaderTable? Trailers => _isChunked ? _chunked.Trailers : null;

    public ReadOnlySpan<byte> TrailerBytes => _chunked.TrailerBytes;

    public void Begin(RequestHead head)
    {
        (_isChunked, _left, _read, _waited, _waitingSince, _stopped) = (head.Chunked, head.ContentLength, 0, 0, 0, null);
        Left = head.HasBody;
        if (_isChunked)
        {
            _chunked.Reset();
        }
    }

    /// <summary>Gives back what an unusual body has made large. Only between two bodies.</summary>
    public void Trim() => _chunked.Trim();

    /// <summary>Makes reading fail from now on. Thread-safe.</summary>
    public void Stop(ClientException why)
    {
        _stopped = why;
        input.CancelPendingRead();
    }

    /// <summary>Whether the client has had its time and has been slower than allowed. Thread-safe.</summary>
    public bool IsTooSlow(long now)
    {
        var since = Volatile.Read(ref _waitingSince);
        var waited = since == 0 ? 0 : Volatile.Read(ref _waited) + now - since;
        return waited > Grace && slowest > 0 && Volatile.Read(ref _read) < slowest * (waited / 1000.0);
    }

    public async ValueTask<int> ReadAsync(Memory<byte> into)
    {
        while (Left)
        {
            if (_stopped is { } why)
            {
                throw why;
            }

            ReadResult result;
            try
            {
                if (!input.TryRead(out result))
                {
                    Volatile.Write(ref _waitingSince, clock.Now);
                    result = await input.ReadAsync();
                    _waited += clock.Now - _waitingSince;
                    Volatile.Write(ref _waitingSince, 0);
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException)
            {
                throw new ClientException(0, "The client has gone.");
            }

            if (result.IsCanceled)
            {
                input.AdvanceTo(result.Buffer.Start);
                continue;
            }

            if (result.Buffer.IsEmpty && result.IsCompleted)
            {
                input.AdvanceTo(result.Buffer.Start);
                throw new ClientException(0, "The client has gone.");
            }

            var n = _isChunked ? TakeChunked(result.Buffer, into.Span) : TakePlain(result.Buffer, into.Span);
            if (n > 0)
            {
                return n;
            }
        }

        return 0;
    }

    private int TakePlain(ReadOnlySequence<byte> buffer, Span<byte> into)
    {
        var n = (int)Math.Min(Math.Min(_left, buffer.Length), into.Length);
        var piece = buffer.Slice(0, n);
        piece.CopyTo(into);
        input.AdvanceTo(piece.End);
        _left -= n;
        _read += n;
        Left = _left > 0;
        return n;
    }

    private int TakeChunked(ReadOnlySequence<byte> buffer, Span<byte> into)
    {
        var span = buffer.FirstSpan;
        var piece = span[..Math.Min(span.Length, into.Length)];
        var taken = _chunked.Decode(piece, out var data);
        var (offset, length) = data.GetOffsetAndLength(piece.Length);
        piece.Slice(offset, length).CopyTo(into);
        input.AdvanceTo(buffer.GetPosition(taken));
        _read += length;
        if (_chunked.Error is { } wrong)
        {
            throw new ClientException(400, $"The request body has {wrong}.");
        }

        if (_read > limit)
        {
            throw new ClientException(413, $"The request body is over the limit of {limit} bytes.");
        }

        Left = !_chunked.Done;
        return length;
    }
}
