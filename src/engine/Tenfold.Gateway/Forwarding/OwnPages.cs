using System.Buffers;
using Tenfold.Gateway.Listening;
using Tenfold.Gateway.Metrics;

namespace Tenfold.Gateway.Forwarding;

/// <summary>What the gateway answers itself on its public port, where no route claims the path: <c>GET /metrics</c>, else 404.</summary>
internal sealed class OwnPages(Action<IBufferWriter<byte>> writeMetrics, GatewayClock clock)
{
    /// <summary>What requests met that fitted no route.</summary>
    public Series Unrouted { get; } = new();

    /// <summary>Answers a request that fits no route.</summary>
    public async ValueTask ServeAsync(ClientExchange exchange, long started)
    {
        var known = exchange.Request.Method is "GET" or "HEAD" && exchange.Request.Path.SequenceEqual("/metrics");
        if (known)
        {
            var text = new ArrayBufferWriter<byte>();
            writeMetrics(text);
            await exchange.RespondAsync(200, PrometheusText.ContentType, text.WrittenMemory);
        }
        else
        {
            await exchange.RefuseAsync(404, "No route of this gateway fits the request.");
        }

        Unrouted.Record(known ? 200 : 404, clock.Since(started));
    }
}
