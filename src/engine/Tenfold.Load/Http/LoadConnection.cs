using System.Net.Sockets;
using Tenfold.Load.Loops;
using Tenfold.Load.Scenarios;
using Tenfold.Wire.Http1;

namespace Tenfold.Load.Http;

/// <summary>How an exchange ended.</summary>
internal enum ExchangeEnd
{
    /// <summary>With a whole response; any status.</summary>
    Answered,

    /// <summary>No connection: refused, unreachable, TLS failed.</summary>
    Connect,

    /// <summary>No whole response in time.</summary>
    Timeout,

    /// <summary>Closed early, or not HTTP.</summary>
    Protocol,

    /// <summary>This machine could not open a socket: out of ports or files.</summary>
    Local,
}

/// <summary>Told when its exchange has ended; never from within <see cref="LoadConnection.Begin"/>.</summary>
internal interface IExchanged
{
    void OnExchanged(ExchangeEnd end);
}

/// <summary>
/// One user's connection: opened when needed, kept while the server keeps it. One exchange at a time. A request that may be
/// repeated is sent once more, on a new connection, when the kept one turns out to have been closed before any answer:
/// every HTTP client must, as a server may close an idle connection at any time. Belongs to its loop's thread.
/// </summary>
internal sealed class LoadConnection(EventLoop loop, LoadTarget target, ResponseHead head, IExchanged owner) : IReady, ITimed, ITlsOwner, IDisposable
{
    private readonly ResponseReader _reader = new(head);
    private Socket? _socket;
    private TlsLayer? _tls;
    private bool _opening;
    private bool _used; // has carried an exchange
    private bool _repeatable;
    private ReadOnlyMemory<byte> _request;
    private int _sent;
    private ByteBuffer? _keep;
    private ExchangeEnd? _failed; // told in the loop's next round

    /// <summary>Whether an exchange is under way.</summary>
    public bool IsBusy { get; private set; }

    /// <summary>When the exchange is given up (<see cref="EventLoop.Now"/>).</summary>
    public long Deadline { get; private set; }

    public int Status => _reader.Status;

    /// <summary>Whether the body was too large to be kept.</summary>
    public bool Overflowed => _reader.Overflowed;

    /// <summary>Sends a request and reads the answer.</summary>
    /// <param name="request">Must not change before the exchange ends.</param>
    /// <param name="repeatable">Whether sending it twice does no harm.</param>
    /// <param name="keep">Where the body goes, or null.</param>
    /// <param name="deadline">When to give up.</param>
    public void Begin(ReadOnlyMemory<byte> request, bool repeatable, ByteBuffer? keep, long deadline)
    {
        (IsBusy, _request, _sent, _repeatable, _keep, Deadline, _failed) = (true, request, 0, repeatable, keep, deadline, null);
        _reader.Begin(keep);
        if (_socket is null)
        {
            Open();
        }
        else
        {
            Send();
        }
    }

    /// <summary>Gives the exchange up.</summary>
    public void TimeOut() => Finish(ExchangeEnd.Timeout);

    public void Dispose() => Close();

    private void Close()
    {
        if (_socket is null)
        {
            return;
        }

        loop.Forget(_socket);
        _socket.Dispose();
        _tls?.Dispose();
        (_socket, _tls, _opening, _used) = (null, null, false, false);
    }

    public void OnReady(uint events)
    {
        if (_opening)
        {
            var error = (SocketError)_socket!.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
            Opened(error == SocketError.Success ? null : ExchangeEnd.Connect);
            return;
        }

        if (_tls is not null)
        {
            _tls.OnReady(events);
            return;
        }

        if ((events & Native.Out) != 0 && IsBusy && _sent < _request.Length)
        {
            Send();
        }

        if ((events & (Native.In | Native.Hup | Native.Err)) != 0 && _socket is not null)
        {
            Receive();
        }
    }

    void ITimed.OnDue(long due)
    {
        if (IsBusy && _failed is { } end)
        {
            Finish(end);
        }
    }

    void ITlsOwner.OnSecured() => Send();

    void ITlsOwner.OnReceived(byte[] bytes, int length) => Take(bytes, length);

    void ITlsOwner.OnClosed() => Lost();

    void ITlsOwner.OnUnsecured() => Fail(ExchangeEnd.Connect);

    private void Open()
    {
        try
        {
            _socket = new Socket(target.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, Blocking = false };
        }
        catch (SocketException)
        {
            Fail(ExchangeEnd.Local); // no file left
            return;
        }

        var error = Native.Connect((int)_socket.Handle, target.NativeAddress);
        _opening = error == Native.EINPROGRESS;
        loop.Watch(_socket, _opening ? Native.Out : Native.In, this);
        if (!_opening)
        {
            Opened(error switch { 0 => null, Native.EADDRNOTAVAIL => ExchangeEnd.Local, _ => ExchangeEnd.Connect }, watching: true);
        }
    }

    private void Opened(ExchangeEnd? failure, bool watching = false)
    {
        _opening = false;
        if (failure is { } end)
        {
            Fail(end);
            return;
        }

        if (!watching)
        {
            loop.Change(_socket!, Native.In);
        }

        if (target.Tls is { } options)
        {
            _tls = new TlsLayer(loop, _socket!, options, this);
            _tls.Begin();
            return;
        }

        Send();
    }

    private void Send()
    {
        if (_tls is not null)
        {
            _sent = _request.Length;
            _tls.Send(_request);
            return;
        }

        while (_sent < _request.Length)
        {
            var before = _sent;
            _sent += _socket!.Send(_request.Span[_sent..], SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
            {
                loop.Change(_socket, Native.In | Native.Out);
                return;
            }

            if (error != SocketError.Success)
            {
                Lost();
                return;
            }

            if (before > 0 && _sent == _request.Length)
            {
                loop.Change(_socket, Native.In);
            }
        }
    }

    private void Receive()
    {
        while (true)
        {
            var n = _socket!.Receive(loop.Received, SocketFlags.None, out var error);
            if (error is SocketError.WouldBlock or SocketError.Interrupted)
            {
                return;
            }

            if (n == 0 || error != SocketError.Success)
            {
                Lost();
                return;
            }

            if (Take(loop.Received, n) || n < EventLoop.ReceiveSize)
            {
                return;
            }
        }
    }

    // True when the exchange has ended, after which nothing here is what it was.
    private bool Take(byte[] bytes, int length)
    {
        if (!IsBusy)
        {
            Close(); // bytes that nobody asked for
            return true;
        }

        _reader.Feed(bytes, length);
        if (_reader.Error is not null)
        {
            Finish(ExchangeEnd.Protocol);
            return true;
        }

        if (_reader.Complete)
        {
            Finish(ExchangeEnd.Answered);
            return true;
        }

        return false;
    }

    private void Lost()
    {
        if (!IsBusy)
        {
            Close();
            return;
        }

        if (_used && _repeatable && !_reader.Answered)
        {
            Close(); // clears _used: once only
            _sent = 0;
            _reader.Begin(_keep);
            Open();
            return;
        }

        _reader.End();
        if (_reader.Complete)
        {
            Finish(ExchangeEnd.Answered);
        }
        else
        {
            Fail(ExchangeEnd.Protocol);
        }
    }

    // Begin may be on the stack, and its caller must not be told before it returns.
    private void Fail(ExchangeEnd end)
    {
        Close();
        _failed = end;
        loop.Defer(this);
    }

    private void Finish(ExchangeEnd end)
    {
        IsBusy = false;
        _failed = null;
        _used = true;
        if (end != ExchangeEnd.Answered || !_reader.KeepAlive || _sent < _request.Length)
        {
            Close();
        }

        owner.OnExchanged(end);
    }
}
