using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Tenfold.Load.Http;

/// <summary>Where all requests go: one address, found before the test begins. Immutable; thread-safe.</summary>
internal sealed class LoadTarget
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private LoadTarget(Uri uri, IPEndPoint address, bool insecure)
    {
        (Uri, Address) = (uri, address);
        var native = address.Serialize();
        NativeAddress = native.Buffer[..native.Size].ToArray();
        if (uri.Scheme == Uri.UriSchemeHttps)
        {
            Tls = new SslClientAuthenticationOptions
            {
                TargetHost = uri.IdnHost,
                ApplicationProtocols = [SslApplicationProtocol.Http11],
#pragma warning disable CA5359 // Only when the caller asks for it: a private system's own certificate.
                RemoteCertificateValidationCallback = insecure ? static (_, _, _, _) => true : null,
#pragma warning restore CA5359
            };
        }
    }

    public Uri Uri { get; }

    public IPEndPoint Address { get; }

    /// <summary>The address as the system wants it.</summary>
    public byte[] NativeAddress { get; }

    /// <summary>Null for http.</summary>
    public SslClientAuthenticationOptions? Tls { get; }

    /// <summary>Checks the address, finds its host and whether anything listens there.</summary>
    /// <exception cref="LoadException">Not an http address, an unknown host, or nothing listens.</exception>
    public static async Task<LoadTarget> FindAsync(Uri uri, bool insecure, CancellationToken cancellationToken)
    {
        if (!uri.IsAbsoluteUri || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps) || uri.Query.Length > 0 || uri.Fragment.Length > 0 || uri.UserInfo.Length > 0)
        {
            throw new LoadException(LoadFault.Usage, $"the target '{uri}' must be an http or https address without user, query and fragment, such as http://localhost:8080");
        }

        IPAddress[] addresses;
        try
        {
            addresses = await Dns.GetHostAddressesAsync(uri.DnsSafeHost, cancellationToken);
        }
        catch (SocketException e)
        {
            throw new LoadException(LoadFault.Target, $"the host '{uri.DnsSafeHost}' of the target is not known ({e.Message})", e);
        }

        var reason = "no address";
        foreach (var address in addresses.Where(a => a.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6))
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(Patience);
            try
            {
                using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(new IPEndPoint(address, uri.Port), limit.Token);
                return new LoadTarget(uri, new IPEndPoint(address, uri.Port), insecure);
            }
            catch (SocketException e)
            {
                reason = e.Message;
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                reason = "no answer within 5 s";
            }
        }

        throw new LoadException(LoadFault.Target, $"nothing listens at {uri.GetLeftPart(UriPartial.Authority)} ({reason})");
    }
}
