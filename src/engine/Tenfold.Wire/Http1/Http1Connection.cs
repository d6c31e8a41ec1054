using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Tenfold.Wire.Http1;

/// <summary>
/// The client side of one HTTP/1.1 connection, over TCP, a Unix socket or any stream (TLS). Requests are bytes that the
/// caller has rendered; responses are read into one buffer that is used again, so a request allocates nothing.
/// One request at a time: <see cref="WriteAsync"/>, <see cref="ReadHeadAsync"/> until the head is not interim,
/// <see cref="ReadBodyAsync"/> until it is empty. After an <see cref="Http1Exception"/> only <see cref="Dispose"/> is left.
/// </summary>
/// <remarks>Not thread-safe, but writing and reading may overlap, and <see cref="Abort"/> may come from anywhere.</remarks>
public sealed class Http1Connection : IDisposable
{
    /// <summary>Size of the buffer at first, in bytes; it grows up to the head limit if it must.</summary>
    public const int BufferSize = 16 * 1024;

    private readonly Socket? _socket;
    private readonly Stream? _stream;
    private readonly int _maxHead;
    private readonly ChunkedDecoder _chunked = new();
    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferSize);
    private int _start; // unread bytes are _buffer[_start.._end]
    private int _end;
    private long _left; // of a body with a length
    private bool _answered; // a byte of the current response has arrived
    private bool _watching;
    private ValueTask<int> _watched;
    private int _ended; // 1 once aborted or disposed

    private Http1Connection(Socket? socket, Stream? stream, int maxHead) => (_socket, _stream, _maxHead) = (socket, stream, maxHead);

    /// <summary>A connection over a stream that is already open, for example TLS.</summary>
    /// <param name="stream">Owned by the connection from here on.</param>
    /// <param name="maxHead">Largest accepted response head in bytes.</param>
    public Http1Connection(Stream stream, int maxHead = 64 * 1024)
        : this(null, stream, maxHead)
    {
    }

    /// <summary>The head read last.</summary>
    public ResponseHead Head { get; } = new();

    /// <summary>Whether the current response has been read to its end.</summary>
    public bool BodyDone { get; private set; } = true;

    /// <summary>Whether another request may be sent on this connection now.</summary>
    public bool Reusable => BodyDone && Head.KeepAlive && _start == _end && Volatile.Read(ref _ended) == 0;

    /// <summary>Whether any byte of the current response has arrived.</summary>
    public bool Answered => _answered;

    /// <summary>The trailers of a chunked body once <see cref="BodyDone"/>.</summary>
    public HeaderTable Trailers => _chunked.Trailers;

    /// <summary>What <see cref="Trailers"/> point into.</summary>
    public ReadOnlySpan<byte> TrailerBytes => _chunked.TrailerBytes;

    /// <summary>Opens a TCP connection (<see cref="IPEndPoint"/>, <see cref="DnsEndPoint"/>; no delay) or one over a Unix socket.</summary>
    /// <param name="endPoint">Where to.</param>
    /// <param name="maxHead">Largest accepted response head in bytes.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="Http1Exception">It could not be opened (<see cref="Http1Fault.Connect"/>).</exception>
    public static async ValueTask<Http1Connection> ConnectAsync(EndPoint endPoint, int maxHead = 64 * 1024, CancellationToken cancellationToken = default) =>
        new(await OpenAsync(endPoint, cancellationToken), null, maxHead);

    /// <summary>Opens a TLS connection.</summary>
    /// <inheritdoc cref="ConnectAsync(EndPoint, int, CancellationToken)"/>
    public static async ValueTask<Http1Connection> ConnectAsync(EndPoint endPoint, SslClientAuthenticationOptions tls, int maxHead = 64 * 1024, CancellationToken cancellationToken = default)
    {
        var stream = new SslStream(new NetworkStream(await OpenAsync(endPoint, cancellationToken), ownsSocket: true));
        try
        {
            await stream.AuthenticateAsClientAsync(tls, cancellationToken);
            return new Http1Connection(stream, maxHead);
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            await stream.DisposeAsync();
            throw new Http1Exception(Http1Fault.Connect, false, $"no TLS connection to {endPoint}: {e.Message}", e);
        }
    }

    /// <summary>Sends bytes of a request: all of them when it returns.</summary>
    /// <exception cref="Http1Exception">The connection is gone (<see cref="Http1Fault.Closed"/>, <see cref="Http1Fault.Aborted"/>).</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        try
        {
            if (_socket is null)
            {
                await _stream!.WriteAsync(bytes, cancellationToken);
                return;
            }

            while (!bytes.IsEmpty)
            {
                bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, cancellationToken)..];
            }
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            throw Gone(e);
        }
    }

    /// <summary>
    /// Begins to listen for whatever the peer sends next, so that <see cref="Closed"/> can tell whether an idle connection
    /// is still good without asking the system. Only between two requests; the next read takes up the result.
    /// </summary>
    public void Watch()
    {
        if (_watching || _start < _end)
        {
            return;
        }

        (_start, _end) = (0, 0);
        try
        {
#pragma warning disable CA2012 // Consumed once, by the next FillAsync or by nobody.
            _watched = Receive(_buffer, CancellationToken.None);
#pragma warning restore CA2012
            _watching = true;
        }
        catch (ObjectDisposedException)
        {
            // Aborted meanwhile; Closed says so.
        }
    }

    /// <summary>Whether a watched idle connection has been closed by the peer, or has bytes that nobody asked for.</summary>
    public bool Closed => Volatile.Read(ref _ended) == 1 || (_watching && _watched.IsCompleted);

    /// <summary>Reads the next head. The result is <see cref="Head"/>, valid until the connection reads on.</summary>
    /// <param name="toHead">Whether the request was HEAD (its response has no body).</param>
    /// <param name="cancellationToken">Ends the wait, and with it the connection.</param>
    /// <exception cref="Http1Exception">No, or no valid, response.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ResponseHead> ReadHeadAsync(bool toHead = false, CancellationToken cancellationToken = default)
    {
        (_answered, _left, BodyDone) = (_start < _end, 0, false);
        int length;
        var scanned = 0;
        while ((length = HeadParser.FindEnd(_buffer.AsSpan(_start, _end - _start), scanned)) < 0)
        {
            scanned = _end - _start;
            if (scanned >= _maxHead)
            {
                throw new Http1Exception(Http1Fault.TooLarge, true, $"a response head of more than {_maxHead} bytes");
            }

            await FillAsync(keepHead: false, cancellationToken);
            if (_end - _start == scanned)
            {
                throw new Http1Exception(Http1Fault.Closed, _answered, _answered ? "the connection ended within the response head" : "the connection ended without a response");
            }
        }

        if (length > _maxHead)
        {
            throw new Http1Exception(Http1Fault.TooLarge, true, $"a response head of more than {_maxHead} bytes");
        }

        if (Head.Parse(_buffer, _start, length, toHead) is { } wrong)
        {
            throw new Http1Exception(Http1Fault.Malformed, true, wrong);
        }

        _start += length;
        _chunked.Reset();
        _left = Head.Framing == BodyFraming.Length ? Head.ContentLength : 0;
        BodyDone = Head.Framing == BodyFraming.None && !Head.Interim;
        return Head;
    }

    /// <summary>
    /// Reads a body of known length as a whole when it fits the buffer beside the head, which stays valid; then
    /// <see cref="ReadBodyAsync"/> gives it in one piece at once.
    /// </summary>
    /// <returns>False when the body is longer or of unknown length; nothing was read then.</returns>
    /// <exception cref="Http1Exception">The body ended early.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> BufferBodyAsync(CancellationToken cancellationToken = default)
    {
        if (_left == 0 || _left > _buffer.Length - _start)
        {
            return _left == 0 && BodyDone;
        }

        while (_end - _start < _left)
        {
            var before = _end;
            await FillAsync(keepHead: true, cancellationToken);
            if (_end == before)
            {
                throw new Http1Exception(Http1Fault.Closed, true, $"the body ended {_left - (_end - _start)} bytes early");
            }
        }

        return true;
    }

    /// <summary>Reads the next piece of the body without its chunked coding; empty at its end.</summary>
    /// <returns>Bytes that are valid until the next call.</returns>
    /// <exception cref="Http1Exception">The body ended early or is malformed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken cancellationToken = default)
    {
        while (!BodyDone)
        {
            if (_start == _end && !await FillBodyAsync(cancellationToken))
            {
                break;
            }

            var piece = TakePiece();
            if (!piece.IsEmpty)
            {
                return piece;
            }
        }

        return default;
    }

    /// <summary>Reads the body to its end and forgets it.</summary>
    /// <returns>How many bytes it had.</returns>
    /// <exception cref="Http1Exception">The body ended early or is malformed.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<long> SkipBodyAsync(CancellationToken cancellationToken = default)
    {
        var total = 0L;
        while (!BodyDone)
        {
            total += (await ReadBodyAsync(cancellationToken)).Length;
        }

        return total;
    }

    /// <summary>
    /// For a connection that has left HTTP (101): the next bytes, whatever they are; empty when the peer has ended its side.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReadOnlyMemory<byte>> ReadRawAsync(CancellationToken cancellationToken = default)
    {
        if (_start == _end)
        {
            await FillAsync(keepHead: false, cancellationToken);
        }

        var piece = _buffer.AsMemory(_start, _end - _start);
        _start = _end;
        return piece;
    }

    /// <summary>Tells the peer that no more will be written.</summary>
    public void EndWriting()
    {
        try
        {
            _socket?.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer or Abort was faster; the reader sees it.
        }
    }

    /// <summary>Ends the connection at once; a pending operation fails with <see cref="Http1Fault.Aborted"/>. Thread-safe.</summary>
    public void Abort() => Dispose();

    /// <summary>Closes the connection. Thread-safe.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            _socket?.Dispose();
            _stream?.Dispose();
        }
    }

    private static async ValueTask<Socket> OpenAsync(EndPoint endPoint, CancellationToken cancellationToken)
    {
        Socket? socket = null;
        try
        {
            socket = endPoint switch // fails too: out of file descriptors
            {
                UnixDomainSocketEndPoint => new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified),
                IPEndPoint ip => new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true },
                _ => new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true },
            };
            await socket.ConnectAsync(endPoint, cancellationToken);
            return socket;
        }
        catch (Exception e)
        {
            socket?.Dispose();
            if (e is SocketException)
            {
                throw new Http1Exception(Http1Fault.Connect, false, $"no connection to {endPoint}: {e.Message}", e);
            }

            throw;
        }
    }

    private ReadOnlyMemory<byte> TakePiece()
    {
        int length;
        switch (Head.Framing)
        {
            case BodyFraming.Length:
                length = (int)Math.Min(_left, _end - _start);
                _left -= length;
                BodyDone = _left == 0;
                break;
            case BodyFraming.Chunked:
                var taken = _chunked.Decode(_buffer.AsSpan(_start, _end - _start), out var data);
                if (_chunked.Error is { } wrong)
                {
                    throw new Http1Exception(Http1Fault.Malformed, true, wrong);
                }

                BodyDone = _chunked.Done;
                var (offset, count) = data.GetOffsetAndLength(_end - _start);
                var piece = _buffer.AsMemory(_start + offset, count);
                _start += taken;
                return piece;
            default:
                length = _end - _start;
                break;
        }

        _start += length;
        return _buffer.AsMemory(_start - length, length);
    }

    private async ValueTask<bool> FillBodyAsync(CancellationToken cancellationToken)
    {
        await FillAsync(keepHead: false, cancellationToken);
        if (_start < _end)
        {
            return true;
        }

        if (Head.Framing != BodyFraming.UntilClose)
        {
            throw new Http1Exception(Http1Fault.Closed, true, Head.Framing == BodyFraming.Length ? $"the body ended {_left} bytes early" : "the chunked body ended early");
        }

        BodyDone = true;
        return false;
    }

    // Receives once; nothing new in the buffer means the peer has ended its side.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FillAsync(bool keepHead, CancellationToken cancellationToken)
    {
        try
        {
            int n;
            if (_watching)
            {
                using var registration = cancellationToken.UnsafeRegister(static self => ((Http1Connection)self!).Abort(), this);
                var watched = _watched;
                (_watching, _watched) = (false, default);
                n = await watched;
            }
            else
            {
                if (_start == _end && !keepHead)
                {
                    (_start, _end) = (0, 0);
                }
                else if (_end == _buffer.Length)
                {
                    MakeRoom();
                }

                n = await Receive(_buffer.AsMemory(_end), cancellationToken);
            }

            _end += n;
            _answered |= n > 0;
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Gone(e);
        }
    }

    private ValueTask<int> Receive(Memory<byte> into, CancellationToken cancellationToken) =>
        _socket is null ? _stream!.ReadAsync(into, cancellationToken) : _socket.ReceiveAsync(into, SocketFlags.None, cancellationToken);

    private void MakeRoom()
    {
        var unread = _buffer.AsSpan(_start, _end - _start);
        var target = _start == 0 ? GC.AllocateUninitializedArray<byte>(Math.Min(_buffer.Length * 2, Math.Max(_maxHead, BufferSize) + 1024)) : _buffer;
        unread.CopyTo(target);
        (_buffer, _start, _end) = (target, 0, unread.Length);
    }

    private Http1Exception Gone(Exception inner) => Volatile.Read(ref _ended) == 1
        ? new Http1Exception(Http1Fault.Aborted, _answered, "the connection was ended from this side", inner)
        : new Http1Exception(Http1Fault.Closed, _answered, $"the connection is gone: {inner.Message}", inner);
}
