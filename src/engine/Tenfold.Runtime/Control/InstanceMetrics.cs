using System.Net;
using System.Net.Sockets;

namespace Tenfold.Runtime.Control;

/// <summary>What the instances of a running system say at <c>GET /metrics</c>, which the instance contract leaves to them.</summary>
public static class InstanceMetrics
{
    private const int MostBytes = 8 << 20;
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    /// <summary>The Prometheus text of every instance that answers 200, by its name. Takes at most two seconds.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> ReadAsync(SystemStatus status, TimeProvider time, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(status);
        var instances = status.Services.SelectMany(service => service.Instances).Where(instance => instance.Address is not null);
        var texts = await Task.WhenAll(instances.Select(async instance => (instance.Name, Text: await ReadAsync(instance.Address!, time, cancel))));
        return texts.Where(one => one.Text is not null).ToDictionary(one => one.Name, one => one.Text!, StringComparer.Ordinal);
    }

    /// <summary>That of one instance; null when it does not answer 200 in time.</summary>
    internal static async Task<string?> ReadAsync(string address, TimeProvider time, CancellationToken cancel)
    {
        EndPoint endPoint = address.StartsWith('/') ? new UnixDomainSocketEndPoint(address) : IPEndPoint.Parse(address);
        using var client = new HttpClient(LocalHttp.HandlerTo(endPoint)) { MaxResponseContentBufferSize = MostBytes };
        using var limit = new CancellationTokenSource(Limit, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            using var response = await client.GetAsync(new Uri("http://localhost/metrics"), both.Token);
            return response.StatusCode == HttpStatusCode.OK ? await response.Content.ReadAsStringAsync(both.Token) : null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null; // stopped, slow, or it has none
        }
    }
}
