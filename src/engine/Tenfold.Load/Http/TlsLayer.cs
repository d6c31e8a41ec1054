using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Tenfold.Load.Loops;

namespace Tenfold.Load.Http;

/// <summary>Told what happens on a <see cref="TlsLayer"/>, on the loop's thread.</summary>
internal interface ITlsOwner
{
    /// <summary>The handshake is done.</summary>
    void OnSecured();

    /// <summary>The handshake failed.</summary>
    void OnUnsecured();

    /// <summary>Clear bytes have arrived.</summary>
    void OnReceived(byte[] bytes, int length);

    /// <summary>The server closed, or the connection broke.</summary>
    void OnClosed();
}

/// <summary>
/// <see cref="SslStream"/> over a socket of the loop. It may go on elsewhere than on the loop's thread; the owner is told on
/// that thread all the same, and nothing once it is disposed.
/// </summary>
internal sealed class TlsLayer : IDisposable
{
    private readonly EventLoop _loop;
    private readonly SslClientAuthenticationOptions _options;
    private readonly ITlsOwner _owner;
    private readonly LoopStream _stream;
    private readonly SslStream _tls;
    private readonly byte[] _buffer = new byte[16 * 1024]; // a TLS record
    private bool _disposed;

    public TlsLayer(EventLoop loop, Socket socket, SslClientAuthenticationOptions options, ITlsOwner owner)
    {
        (_loop, _options, _owner) = (loop, options, owner);
        _stream = new LoopStream(loop, socket);
        _tls = new SslStream(_stream, leaveInnerStreamOpen: true);
    }

    /// <summary>Shakes hands, then reads until the end.</summary>
    public void Begin() => _ = RunAsync();

    public void Send(ReadOnlyMemory<byte> bytes) => _ = SendAsync(bytes);

    public void OnReady(uint events) => _stream.OnReady(events);

    public void Dispose()
    {
        _disposed = true;
        _stream.Dispose();
        _tls.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            await _tls.AuthenticateAsClientAsync(_options, CancellationToken.None);
        }
        catch (Exception e) when (e is AuthenticationException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            Tell(static layer => layer._owner.OnUnsecured());
            return;
        }

        Tell(static layer => layer._owner.OnSecured());
        try
        {
            while (await _tls.ReadAsync(_buffer, CancellationToken.None) is > 0 and var n)
            {
                if (_loop.IsCurrent)
                {
                    if (!_disposed)
                    {
                        _owner.OnReceived(_buffer, n);
                    }
                }
                else
                {
                    var copy = _buffer.AsSpan(0, n).ToArray(); // the next read may come before the loop's turn
                    _loop.Post(() =>
                    {
                        if (!_disposed)
                        {
                            _owner.OnReceived(copy, n);
                        }
                    });
                }
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // Told below.
        }

        Tell(static layer => layer._owner.OnClosed());
    }

    private async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await _tls.WriteAsync(bytes, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            Tell(static layer => layer._owner.OnClosed());
        }
    }

    private void Tell(Action<TlsLayer> what)
    {
        if (!_loop.IsCurrent)
        {
            _loop.Post(() => Tell(what));
        }
        else if (!_disposed)
        {
            what(this);
        }
    }
}
