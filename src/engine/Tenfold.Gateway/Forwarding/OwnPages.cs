using System.Buffers;
using Tenfold.Gateway.Listening;
using Tenfold.Gateway.Metrics;
using Tenfold.Gateway.Routing;

namespace Tenfold.Gateway.Forwarding;

/// <summary>What the gateway answers itself on its public port, where no route fits: <c>GET /metrics</c>, 405 where another method fits one, else 404.</summary>
internal sealed class OwnPages(RouteTable routes, Action<IBufferWriter<byte>> writeMetrics, GatewayClock clock)
{
    /// <summary>What requests met that fitted no route.</summary>
    public Series Unrouted { get; } = new();

    /// <summary>Answers a request that fits no route.</summary>
    public async ValueTask ServeAsync(ClientExchange exchange, long started)
    {
        var metrics = exchange.Request.Path.SequenceEqual("/metrics");
        int status;
        if (metrics && exchange.Request.Method is "GET" or "HEAD")
        {
            status = 200;
            var text = new ArrayBufferWriter<byte>();
            writeMetrics(text);
            await exchange.RespondAsync(200, PrometheusText.ContentType, text.WrittenMemory);
        }
        else if ((metrics ? "GET, HEAD" : routes.MethodsFor(exchange.Request)) is { } allowed)
        {
            status = 405;
            await exchange.RefuseAsync(status, $"{exchange.Request.Method} is not allowed here; allowed: {allowed}.", [("Allow", allowed)]);
        }
        else
        {
            status = 404;
            await exchange.RefuseAsync(status, "No route of this gateway fits the request.");
        }

        Unrouted.Record(status, clock.Since(started));
    }
}
