using System.Runtime.CompilerServices;
using Tenfold.Gateway.Instances;
using Tenfold.Gateway.Listening;
using Tenfold.Gateway.Retrying;
using Tenfold.Gateway.Routing;
using Tenfold.Guide;

namespace Tenfold.Gateway.Forwarding;

/// <summary>Takes a request from route to instance and its answer back. Thread-safe; a request is one <see cref="ClientExchange"/>.</summary>
internal sealed class Forwarder(RouteTable routes, GatewaySection section, GatewayClock clock, OwnPages pages)
{
    /// <summary>A body of at most this many bytes is read before the request is sent, so that it can be sent again.</summary>
    public const int ReplayLimit = 16 * 1024;

    /// <summary>Answers one request; what goes wrong is answered or breaks the connection off, never thrown.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask ForwardAsync(ClientExchange exchange)
    {
        var started = clock.Timestamp();
        var now = clock.ToMilliseconds(started);
        var request = exchange.Request;
        var route = routes.Match(request, out var label, out var timeout);
        if (route is null)
        {
            await pages.ServeAsync(exchange, started);
            return;
        }

        var flight = exchange.Flight;
        var service = route.Services[0].Service;
        flight.Begin(route, label, route.HashBy.Of(request, exchange.Client), RetryRules.IsIdempotent(request.Method), now + (long)timeout.TotalMilliseconds);
        exchange.SetDeadline(flight.Deadline, Ending.Timeout);
        service.Budget.AddRequest(now / 1000);
        int status;
        Instance? served = null;
        try
        {
            if (route.Limits is { } limits && !await limits.AdmitAsync(exchange))
            {
                status = 429;
            }
            else if (request.ContentLength > section.Limits.Body.Bytes)
            {
                status = 413;
                await exchange.RefuseAsync(status, $"The request body is over the limit of {section.Limits.Body.Bytes} bytes.");
            }
            else
            {
                await PrepareAsync(exchange);
                if (!flight.TryStart(now))
                {
                    status = 503;
                    await exchange.RefuseAsync(status, $"No instance of '{service.Name}' is running.");
                }
                else
                {
                    (status, served) = await SendAsync(exchange, started);
                }
            }
        }
        catch (ClientException e)
        {
            status = await FailAsync(exchange, e.Status, e.Message);
        }

        exchange.ClearDeadline();
        (served?.SeriesOf(label) ?? service.Own(label)).Record(status, clock.Since(started));
    }

    /// <summary>Answers a request whose head is not even one that could be forwarded, and counts it.</summary>
    public async ValueTask RefuseAsync(ClientExchange exchange, int status, string detail)
    {
        var started = clock.Timestamp();
        await exchange.RefuseAsync(status, detail);
        pages.Unrouted.Record(status, clock.Since(started));
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask PrepareAsync(ClientExchange exchange)
    {
        var (flight, request) = (exchange.Flight, exchange.Request);
        var length = UpstreamHead.Write(request, exchange.Client, ref exchange.Outgoing);
        flight.OutgoingLength = length;
        flight.Streams = request.Chunked || request.ContentLength > ReplayLimit;
        if (flight.Streams || !request.HasBody)
        {
            return;
        }

        var total = length + (int)request.ContentLength;
        if (exchange.Outgoing.Length < total)
        {
            Array.Resize(ref exchange.Outgoing, total);
        }

        while (flight.OutgoingLength < total)
        {
            var n = await exchange.ReadBodyAsync(exchange.Outgoing.AsMemory(flight.OutgoingLength, total - flight.OutgoingLength));
            flight.OutgoingLength += n > 0 ? n : throw new ClientException(400, "The request body is shorter than its Content-Length.");
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<(int Status, Instance Served)> SendAsync(ClientExchange exchange, long started)
    {
        var flight = exchange.Flight;
        try
        {
            while (true)
            {
                var attempt = new Attempt(exchange, flight.Instance!, section.Retries, clock);
                var status = await attempt.RunAsync();
                if (status >= 0)
                {
                    return (status, flight.Instance!);
                }

                if (status == Attempt.Failed)
                {
                    return (await FailAsync(exchange, flight.Failure.Status, flight.Failure.Detail), flight.Instance!);
                }

                exchange.ForgetFirstByteTimeout();
            }
        }
        finally
        {
            flight.Finish();
        }
    }

    /// <summary>Says that it failed if that can still be said.</summary>
    /// <returns>The status for the books; 0 when the client had gone.</returns>
    private static async ValueTask<int> FailAsync(ClientExchange exchange, int status, string detail)
    {
        if (exchange.Ending == Ending.ClientGone || status == 0)
        {
            exchange.Abort();
            return 0;
        }

        if (exchange.Started)
        {
            exchange.Abort();
            return status;
        }

        await exchange.RefuseAsync(status, detail);
        return status;
    }
}
