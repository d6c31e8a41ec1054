using System.Net;
using Tenfold.Gateway;
using Tenfold.Runtime.Instances;

namespace Tenfold.Runtime.Host;

/// <summary>Instances get their requests from the gateway.</summary>
internal sealed class GatewayRotation(GatewayServer gateway) : IRotation
{
    public void Add(string service, string instance, EndPoint endPoint) => gateway.Add(new Upstream(service, instance, endPoint));

    public Task<bool> DrainAsync(string service, string instance, TimeSpan limit, CancellationToken cancel) => gateway.DrainAsync(service, instance, limit, cancel);

    public void Remove(string service, string instance) => gateway.Remove(service, instance);
}
