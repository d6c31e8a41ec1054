using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tenfold.AspNetCore.RateLimiting;

namespace Tenfold.AspNetCore;

/// <summary>Who a request comes from.</summary>
public static class ClientAddressExtensions
{
    /// <summary>
    /// The client's address, as the gateway of this machine and the proxies that the guide trusts (<c>gateway: trust-forwarded</c>) say;
    /// what anybody else says of another address is not believed.
    /// </summary>
    public static IPAddress ClientAddress(this HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return context.RequestServices.GetRequiredService<RequestAddress>().Of(context);
    }
}
