using System.Net;
using Tenfold.Runtime.Control;

namespace Tenfold.Runtime.Instances;

/// <summary>Asks an instance whether it is ready: GET on its health path, over a new connection each time.</summary>
public sealed class HealthProbe : IDisposable
{
    private readonly HttpClient _client;
    private readonly Uri _uri;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;

    /// <param name="endPoint">TCP or Unix socket of the instance.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="timeout">How long a check may take.</param>
    /// <param name="time">Clock.</param>
    public HealthProbe(EndPoint endPoint, string path, TimeSpan timeout, TimeProvider time)
    {
        _timeout = timeout;
        _time = time;
        _uri = new Uri("http://" + (endPoint is IPEndPoint ip ? ip.ToString() : "localhost") + path);
        var handler = LocalHttp.HandlerTo(endPoint);
        handler.PooledConnectionLifetime = TimeSpan.Zero; // a kept connection would not show that nobody accepts any more
        _client = new HttpClient(handler)
        {
            Timeout = System.Threading.Timeout.InfiniteTimeSpan,
            DefaultRequestHeaders = { { "User-Agent", "tenfold-health" } },
        };
    }

    /// <summary>One check; never throws but for <paramref name="cancel"/>.</summary>
    public async Task<ProbeResult> CheckAsync(CancellationToken cancel)
    {
        using var limit = new CancellationTokenSource(_timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancel);
        try
        {
            using var response = await _client.GetAsync(_uri, HttpCompletionOption.ResponseHeadersRead, both.Token);
            return new ProbeResult((int)response.StatusCode, null);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new ProbeResult(null, $"no answer to GET {_uri.PathAndQuery} within {_timeout.TotalSeconds:0.###} s");
        }
        catch (HttpRequestException e)
        {
            return new ProbeResult(null, $"GET {_uri.PathAndQuery}: {(e.InnerException ?? e).Message}");
        }
    }

    public void Dispose() => _client.Dispose();
}
