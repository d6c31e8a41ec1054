using System.Net;

namespace Tenfold.Gateway;

/// <summary>An instance that requests may go to.</summary>
/// <param name="Service">The guide's name of its service.</param>
/// <param name="Instance">Its own name, unique within the service.</param>
/// <param name="EndPoint"><see cref="IPEndPoint"/> or <see cref="System.Net.Sockets.UnixDomainSocketEndPoint"/>.</param>
public sealed record Upstream(string Service, string Instance, EndPoint EndPoint);

/// <summary>Whether an instance gets requests, and why not.</summary>
public enum InstanceState
{
    /// <summary>In rotation.</summary>
    Ready,

    /// <summary>Active checks failed; used only when no instance of the service is better.</summary>
    Unhealthy,

    /// <summary>Real requests failed on it; out for a while, used only when no instance of the service is better.</summary>
    Ejected,

    /// <summary>Leaving: finishes what is in flight, gets nothing new.</summary>
    Draining,
}
