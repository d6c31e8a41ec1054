using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Connections;
using Tenfold.Gateway.Forwarding;
using Tenfold.Gateway.Listening;
using Tenfold.Guide;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Http1;

/// <summary>
/// A client that speaks HTTP/1.x, served on the bytes of its connection: Kestrel accepts, does TLS and moves bytes; heads go
/// through without becoming strings. One request at a time; pipelined ones wait.
/// </summary>
internal sealed class Http1Client : ClientExchange
{
    private const int Lingering = 2000; // ms that a refused client may go on sending before its connection is closed

    private const int Patience = 10_000; // ms that a client may take to accept an answer of the gateway's own

    private readonly ConnectionContext _connection;
    private readonly PipeReader _input;
    private readonly PipeWriter _output;
    private readonly GatewayLimits _limits;
    private readonly GatewayClock _clock;
    private readonly Forwarder _forwarder;
    private readonly Http1Body _body;
    private long _readUntil = long.MaxValue; // for heads and between requests
    private long _writeUntil = long.MaxValue; // for answers of the gateway's own
    private volatile bool _closing; // the server is stopping
    private volatile Tunnel? _tunnel;
    private volatile bool _flushing; // waits for the client to take what it is sent
    private bool _keepAlive;
    private bool _chunked;
    private bool _isFirst = true;
    private bool _continued;
    private bool _lingers; // a refused client may still be sending

    /// <param name="connection">Its bytes.</param>
    /// <param name="socket">What they go out on as they are; null when something (TLS) stands between.</param>
    /// <param name="client">Who it is.</param>
    /// <param name="limits">The guide's.</param>
    /// <param name="clock">The time.</param>
    /// <param name="forwarder">Where its requests go.</param>
    public Http1Client(ConnectionContext connection, Socket? socket, ClientAddress client, GatewayLimits limits, GatewayClock clock, Forwarder forwarder)
        : base(client)
    {
        (_connection, _input, _limits, _clock, _forwarder) = (connection, connection.Transport.Input, limits, clock, forwarder);
        _output = socket is null ? connection.Transport.Output : new SocketWriter(socket);
        _body = new Http1Body(_input, clock, limits.Body.Bytes, limits.BodyRate);
    }

    public override bool BodyLeft => _body.Left;

    public override HeaderTable? Trailers => _body.Trailers;

    public override ReadOnlySpan<byte> TrailerBytes => _body.TrailerBytes;

    public override bool TakesInterim => Request.Http11;

    /// <summary>Whether the connection began with HTTP/2's preface; nothing has been taken from it then.</summary>
    public bool SpeaksHttp2 { get; private set; }

    /// <summary>Serves requests until the connection ends.</summary>
    public async Task RunAsync()
    {
        await using var gone = _connection.ConnectionClosed.UnsafeRegister(static self => ((Http1Client)self!).End(Ending.ClientGone), this);
        while (await ReadHeadAsync())
        {
            await _forwarder.ForwardAsync(this);
            // The answer is out; what is left of the request body is not worth the connection.
            _lingers |= _body.Left;
            if (!_keepAlive || _closing || _body.Left || Ending == Ending.ClientGone)
            {
                break;
            }
        }

        if (_lingers)
        {
            await LingerAsync();
        }
    }

    /// <summary>Closes the connection once it is idle.</summary>
    public void CloseWhenIdle()
    {
        _closing = true;
        _tunnel?.EndUp();
        _input.CancelPendingRead();
    }

    public override void Tick(long now)
    {
        base.Tick(now);
        if (now >= Volatile.Read(ref _readUntil))
        {
            _input.CancelPendingRead();
        }

        if (now >= Volatile.Read(ref _writeUntil))
        {
            Abort();
        }

        if (_body.Left && _body.IsTooSlow(now))
        {
            _body.Stop(new ClientException(408, $"The request body came in at less than {_limits.BodyRate} bytes a second."));
        }
    }

    public override ValueTask<int> ReadBodyAsync(Memory<byte> into) =>
        Request.ExpectsContinue && !_continued ? InviteAndReadAsync(into) : _body.ReadAsync(into);

    private async ValueTask<int> InviteAndReadAsync(Memory<byte> into)
    {
        await InviteBodyAsync();
        return await _body.ReadAsync(into);
    }

    public override async ValueTask InviteBodyAsync()
    {
        if (Request.ExpectsContinue && !_continued)
        {
            _continued = true;
            _output.Write("HTTP/1.1 100 Continue\r\n\r\n"u8);
            await FlushAsync();
        }
    }

    public override void StopBody() => _body.Stop(new ClientException(0, "The answer is complete."));

    public override void WriteHead(ResponseHead head)
    {
        var final = !head.Interim;
        Started |= final;
        // Whatever of the body is still to come when the answer ends is not waited for, so the client is told that this is the end.
        var keepAlive = _keepAlive && !_closing && !_body.Left;
        _lingers |= final && _body.Left;
        var chunked = Http1Response.WriteHead(head, _output, _clock.DateLine, AddedLines, Request.Http11, Request.IsHead, ref keepAlive);
        if (final)
        {
            (_chunked, _keepAlive) = (chunked, keepAlive);
        }
    }

    public override void WriteBody(ReadOnlySpan<byte> piece)
    {
        if (_chunked)
        {
            Http1Response.WriteChunk(_output, piece);
        }
        else
        {
            _output.Write(piece);
        }
    }

    public override void WriteEnd(HeaderTable trailers, ReadOnlySpan<byte> bytes)
    {
        if (_chunked)
        {
            Http1Response.WriteLastChunk(_output, trailers, bytes);
        }
    }

    public override ValueTask<bool> FlushAsync()
    {
        var flush = _output.FlushAsync();
        return flush.IsCompletedSuccessfully ? new ValueTask<bool>(GoesOn(flush.Result)) : WaitAsync(flush);
    }

    // The client does not take what it is sent, or not now.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> WaitAsync(ValueTask<FlushResult> flush)
    {
        _flushing = true;
        Interlocked.MemoryBarrier(); // else this and an end from outside could miss each other
        if (Ending != Ending.None)
        {
            Abort();
        }

        try
        {
            return GoesOn(await flush);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            return false; // TLS: the connection is gone
        }
        finally
        {
            _flushing = false;
        }
    }

    private bool GoesOn(FlushResult flushed) => !flushed.IsCompleted && Ending is Ending.None or Ending.FirstByteTimeout;

    public override async ValueTask RespondAsync(int status, string contentType, ReadOnlyMemory<byte> body, IReadOnlyList<(string Name, string Value)>? more = null)
    {
        Started = true;
        _keepAlive &= !_closing && !_body.Left;
        Http1Response.WriteOwn(_output, status, contentType, body.Span, more ?? [], _clock.DateLine, AddedLines, Request.IsHead, _keepAlive);
        var flush = _output.FlushAsync();
        if (!flush.IsCompleted)
        {
            Volatile.Write(ref _writeUntil, _clock.Now + Patience); // no route, so no deadline: it is the client that does not read
        }

        await flush;
        Volatile.Write(ref _writeUntil, long.MaxValue);
        _lingers = !_keepAlive && HasMore();
    }

    // Whether something stands behind the last request that is answered here.
    private bool HasMore()
    {
        if (!_input.TryRead(out var result))
        {
            return false;
        }

        _input.AdvanceTo(result.Buffer.Start);
        return !result.Buffer.IsEmpty;
    }

    public override async ValueTask TunnelAsync(Http1Connection upstream)
    {
        _keepAlive = false;
        _tunnel = new Tunnel(this, _input, _output, upstream);
        if (_closing)
        {
            _tunnel.EndUp();
        }

        await _tunnel.RunAsync();
    }

    public override void Abort()
    {
        _keepAlive = false;
        _connection.Abort(new ConnectionAbortedException("The answer was broken off."));
    }

    protected override void OnEnded(Ending why)
    {
        _body.Stop(LateBody(why));
        // A client that does not take what it is sent would otherwise keep its request for as long as it likes.
        if (_flushing || (why == Ending.Timeout && Started))
        {
            Abort();
        }
    }

    // Reads and parses the next head; answers what is wrong with it. False when the connection is to end.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<bool> ReadHeadAsync()
    {
        Request.Reset();
        ResetExchange();
        (_keepAlive, _continued) = (false, false);
        var (scanned, first) = (0L, true);
        Volatile.Write(ref _readUntil, _clock.Now + (long)_limits.KeepAlive.TotalMilliseconds);
        while (true)
        {
            if (!_input.TryRead(out var result))
            {
                if (first)
                {
                    Rest();
                }

                result = await _input.ReadAsync();
            }

            // RFC 9113 section 3.4: the preface begins with PRI, which is no method.
            if (_isFirst && result.Buffer.FirstSpan.StartsWith("PRI * HTTP/2"u8))
            {
                _input.AdvanceTo(result.Buffer.Start);
                SpeaksHttp2 = true;
                return false;
            }

            var buffer = HeadScanner.SkipEmptyLine(result.Buffer, out var consumed);
            var now = _clock.Now;
            if (!buffer.IsEmpty && first)
            {
                first = false;
                Volatile.Write(ref _readUntil, now + (long)_limits.HeaderTimeout.TotalMilliseconds);
            }

            if (HeadScanner.End(buffer, scanned) is var end && end >= 0 && end <= _limits.Headers.Bytes)
            {
                Volatile.Write(ref _readUntil, long.MaxValue);
                buffer.Slice(0, end).CopyTo(Request.Reserve((int)end));
                Request.Length = (int)end;
                _isFirst = false;
                _input.AdvanceTo(buffer.GetPosition(end));
                return await AcceptAsync();
            }

            var hopeless = HeadScanner.IsHopeless(buffer, scanned);
            scanned = buffer.Length;
            if (end >= 0 || scanned > _limits.Headers.Bytes)
            {
                _input.AdvanceTo(buffer.Start, buffer.End);
                return await RejectAsync(431, $"The request head is over the limit of {_limits.Headers.Bytes} bytes.");
            }

            if (hopeless)
            {
                _input.AdvanceTo(buffer.Start, buffer.End);
                return await RejectAsync(400, "The request is not HTTP/1.1: lines end with CRLF and begin with a method.");
            }

            _input.AdvanceTo(consumed, buffer.End);
            if (result.IsCompleted || (_closing && first))
            {
                return false;
            }

            if (result.IsCanceled && now >= Volatile.Read(ref _readUntil))
            {
                return !first && await RejectAsync(408, $"The request head took longer than {_limits.HeaderTimeout.TotalSeconds:0.###} s.");
            }
        }
    }

    private async ValueTask<bool> AcceptAsync()
    {
        var (status, detail) = RequestParser.Parse(Request);
        if (status != 0)
        {
            return await RejectAsync(status, detail);
        }

        _keepAlive = Request.KeepAlive && !_closing;
        _body.Begin(Request);
        return true;
    }

    private async ValueTask<bool> RejectAsync(int status, string detail)
    {
        Volatile.Write(ref _readUntil, long.MaxValue);
        await _forwarder.RefuseAsync(this, status, detail);
        (_keepAlive, _lingers) = (false, true);
        return false;
    }

    // Between two requests an idle connection holds no more than it must: there may be thousands.
    private void Rest()
    {
        Request.Trim();
        _body.Trim();
        if (Outgoing.Length > 4096)
        {
            Outgoing = [];
        }
    }

    // Closing with unread bytes makes TCP reset the connection, and the client may lose the answer before it has read it.
    private async ValueTask LingerAsync()
    {
        var until = _clock.Now + Lingering;
        Volatile.Write(ref _readUntil, until);
        while (_clock.Now < until)
        {
            var result = await _input.ReadAsync();
            _input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted || (_closing && result.IsCanceled))
            {
                return;
            }
        }
    }
}
