using System.Net;

namespace Tenfold.Runtime.Instances;

/// <summary>Who gets requests: the gateway's view of the instances.</summary>
public interface IRotation
{
    /// <summary>From now on it gets requests; it was seen ready.</summary>
    void Add(string service, string instance, EndPoint endPoint);

    /// <summary>It gets no further request; true once none is in flight, false when some still are after <paramref name="limit"/>.</summary>
    Task<bool> DrainAsync(string service, string instance, TimeSpan limit, CancellationToken cancel);

    /// <summary>It is gone; open connections to it are closed. May be called for one that was never added.</summary>
    void Remove(string service, string instance);
}
