using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tenfold.Gateway.Forwarding;
using Tenfold.Gateway.Http1;
using Tenfold.Gateway.Http2;
using Tenfold.Guide;

namespace Tenfold.Gateway.Listening;

/// <summary>
/// Kestrel as the gateway uses it: it accepts connections, does TLS, moves bytes and speaks HTTP/2; what begins as HTTP/1.x
/// is served by <see cref="Http1Client"/> on the bare connection.
/// </summary>
internal sealed class Listener : IAsyncDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    private readonly SystemGuide _guide;
    private readonly Forwarder _forwarder;
    private readonly GatewayClock _clock;
    private readonly Sweeper _sweeper;
    private readonly ILoggerFactory _logs;
    private readonly IPNetwork[] _trusted;
    private int _clients;
    private WebApplication? _host;
    private IServer? _server;

    public Listener(SystemGuide guide, Forwarder forwarder, GatewayClock clock, Sweeper sweeper, ILoggerFactory logs)
    {
        (_guide, _forwarder, _clock, _sweeper, _logs) = (guide, forwarder, clock, sweeper, logs);
        _trusted = [.. guide.Gateway.TrustForwarded.Select(network => IPNetwork.Parse(network.Contains('/', StringComparison.Ordinal) ? network : network + (network.Contains(':', StringComparison.Ordinal) ? "/128" : "/32")))];
    }

    public int Port { get; private set; }

    /// <summary>Connections and streams being served.</summary>
    public int Clients => Volatile.Read(ref _clients);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var section = _guide.Gateway;
        for (var attempt = 0; ; attempt++)
        {
            var port = section.Port == 0 ? Bindings.FreePort() : section.Port;
            var (host, server) = Build(port);
            try
            {
                await server.StartAsync(new Http2Application(_forwarder, section.Limits, AddressOf, _sweeper), cancellationToken);
                (Port, _host, _server) = (port, host, server);
                return;
            }
            catch (IOException e) when (e.InnerException is AddressInUseException)
            {
                await host.DisposeAsync();
                if (section.Port != 0 || attempt == 10)
                {
                    throw new GatewayException($"Port {port} on {section.Address} is in use. Stop what listens there (ss -ltnp 'sport = :{port}' shows it), or set gateway.port in the guide to another one; 0 takes any free one.", e);
                }
            }
            catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
            {
                await host.DisposeAsync();
                throw new GatewayException($"The gateway cannot listen on {section.Address}:{port}: {e.GetBaseException().Message}. Choose another gateway.port (below 1024 needs root) or gateway.address in the guide.", e);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            using var limit = new CancellationTokenSource(StopLimit, _clock.Time);
            await _server.StopAsync(limit.Token);
        }

        if (_host is not null)
        {
            await _host.DisposeAsync();
        }
    }

    private (WebApplication Host, IServer Server) Build(int port)
    {
        var section = _guide.Gateway;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(_logs);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
        builder.WebHost.UseSockets(options =>
        {
            // Nothing of the gateway blocks, so bytes need no thread of their own between the socket and the parser.
            options.UnsafePreferInlineScheduling = true;
            options.WaitForDataBeforeAllocatingBuffer = section.Limits.Connections > 2000;
            options.Backlog = 4096;
            options.MaxReadBufferSize = 128 * 1024; // of each client, when an instance takes its body slowly
        });
        builder.WebHost.ConfigureKestrel(options => Configure(options, port));
        var host = builder.Build();
        return (host, host.Services.GetRequiredService<IServer>());
    }

    private void Configure(KestrelServerOptions options, int port)
    {
        var (section, limits) = (_guide.Gateway, _guide.Gateway.Limits);
        options.AddServerHeader = false;
        options.AllowSynchronousIO = false;
        options.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1; // HTTP/2: the instance's bytes, whatever they mean
        options.Limits.MaxConcurrentConnections = limits.Connections;
        options.Limits.MaxConcurrentUpgradedConnections = limits.Connections;
        options.Limits.MaxRequestBodySize = limits.Body.Bytes;
        options.Limits.MaxRequestHeadersTotalSize = (int)Math.Min(limits.Headers.Bytes, int.MaxValue);
        options.Limits.MaxRequestHeaderCount = Wire.Http1.HeadParser.MaxFields;
        options.Limits.MaxRequestBufferSize = Math.Max(1 << 20, limits.Headers.Bytes + 65536);
        options.Limits.RequestHeadersTimeout = limits.HeaderTimeout;
        options.Limits.KeepAliveTimeout = limits.KeepAlive;
        options.Limits.MinRequestBodyDataRate = limits.BodyRate > 0 ? new MinDataRate(limits.BodyRate, TimeSpan.FromSeconds(5)) : null;
        (X509Certificate2 Certificate, X509Certificate2Collection Chain)? tls = section.Tls is { } files ? LoadCertificate(files) : null;
        Bindings.Listen(options, section.Address, port, listen =>
        {
            // Without TLS the first bytes tell (prior knowledge); with it ALPN does.
            listen.Protocols = tls is null ? HttpProtocols.Http2 : HttpProtocols.Http1AndHttp2;
            if (tls is not null)
            {
                listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = tls.Value.Certificate, ServerCertificateChain = tls.Value.Chain });
            }

            listen.Use(next => connection => ServeAsync(connection, next, tls is not null));
        });
    }

    private async Task ServeAsync(ConnectionContext connection, ConnectionDelegate http2, bool tls)
    {
        Interlocked.Increment(ref _clients);
        try
        {
            var alpn = connection.Features.Get<ISslStreamFeature>()?.SslStream.NegotiatedApplicationProtocol;
            if (alpn == SslApplicationProtocol.Http2 || !await ServeHttp1Async(connection, tls))
            {
                await http2(connection);
            }
        }
        catch (Exception e) when (e is ConnectionResetException or ConnectionAbortedException or IOException or OperationCanceledException)
        {
            // The client has gone; there is nobody to tell.
        }
        finally
        {
            Interlocked.Decrement(ref _clients);
        }
    }

    // False when it turns out to be HTTP/2; nothing has been taken from it then.
    private async Task<bool> ServeHttp1Async(ConnectionContext connection, bool tls)
    {
        var client = new Http1Client(connection, tls ? null : connection.Features.Get<IConnectionSocketFeature>()?.Socket, new ClientAddress(connection.RemoteEndPoint, tls, _trusted), _guide.Gateway.Limits, _clock, _forwarder);
        _sweeper.Add(client);
        using var stopping = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested
            .UnsafeRegister(static c => ((Http1Client)c!).CloseWhenIdle(), client);
        try
        {
            await client.RunAsync();
            return !client.SpeaksHttp2;
        }
        finally
        {
            _sweeper.Remove(client);
        }
    }

    private (X509Certificate2 Certificate, X509Certificate2Collection Chain) LoadCertificate(Tls files)
    {
        var certificate = Path.Combine(_guide.Folder, files.Certificate);
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(certificate);
            return (X509Certificate2.CreateFromPemFile(certificate, Path.Combine(_guide.Folder, files.Key)), chain);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new GatewayException($"gateway.tls: '{files.Certificate}' and '{files.Key}' (in {_guide.Folder}) are not a PEM certificate with its key: {e.Message}", e);
        }
    }

    private ClientAddress AddressOf(IFeatureCollection features)
    {
        var connection = features.GetRequiredFeature<IHttpConnectionFeature>();
        var remote = connection.RemoteIpAddress is { } address ? new IPEndPoint(address, connection.RemotePort) : null;
        return new ClientAddress(remote, features.Get<ITlsHandshakeFeature>() is not null, _trusted);
    }
}
