using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Tenfold.Gateway.Forwarding;
using Tenfold.Gateway.Listening;
using Tenfold.Guide;

namespace Tenfold.Gateway.Http2;

/// <summary>What Kestrel calls for every HTTP/2 request.</summary>
internal sealed class Http2Application(Forwarder forwarder, GatewayLimits limits, Func<IFeatureCollection, ClientAddress> addressOf, Sweeper sweeper) : IHttpApplication<Http2Client>
{
    public Http2Client CreateContext(IFeatureCollection contextFeatures) => new(contextFeatures, addressOf(contextFeatures), limits);

    public async Task ProcessRequestAsync(Http2Client context)
    {
        sweeper.Add(context);
        try
        {
            var (status, detail) = context.ReadHead();
            if (status != 0)
            {
                await forwarder.RefuseAsync(context, status, detail);
                return;
            }

            await forwarder.ForwardAsync(context);
        }
        finally
        {
            sweeper.Remove(context);
        }
    }

    public void DisposeContext(Http2Client context, Exception? exception) => context.Dispose();
}
