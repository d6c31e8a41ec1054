using System.Net;

namespace Tenfold.Redis.Connections;

/// <summary>What a line connects to. One that always goes to the same address; the sentinels' differs.</summary>
internal class LineSettings(EndPoint endPoint, Credentials credentials)
{
    /// <summary>The address, for messages the last one known.</summary>
    public virtual EndPoint EndPoint => endPoint;

    public Credentials Credentials => credentials;

    /// <summary>Where to connect to next.</summary>
    public virtual ValueTask<EndPoint> FindAsync(CancellationToken cancel) => new(endPoint);

    /// <summary>Throws a <see cref="RedisException"/> if this is not what was looked for.</summary>
    public virtual ValueTask VerifyAsync(Connection connection, CancellationToken cancel) => default;

    public virtual void OnConnected(Connection connection)
    {
    }

    public virtual void OnLost(Exception reason)
    {
    }
}
