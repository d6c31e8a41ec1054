using System.Net;
using System.Net.Security;

namespace Tenfold.Redis;

/// <summary>What stands behind the addresses.</summary>
public enum RedisTopology
{
    /// <summary>One server.</summary>
    Single,

    /// <summary>A Redis Cluster; the addresses are some of its nodes.</summary>
    Cluster,

    /// <summary>One primary that sentinels name; the addresses are the sentinels'.</summary>
    Sentinel,
}

/// <summary>How to reach Redis, and the bounds of everything that waits. Immutable.</summary>
public sealed record RedisOptions
{
    /// <summary>Servers, cluster nodes or sentinels; at least one, and one alone for a single server.</summary>
    public required IReadOnlyList<EndPoint> EndPoints { get; init; }

    /// <summary>Default: a single server.</summary>
    public RedisTopology Topology { get; init; }

    /// <summary>The name that the sentinels know the primary by; needed with sentinels, refused without.</summary>
    public string? SentinelPrimary { get; init; }

    /// <summary>For ACLs; without one, the password is the default user's.</summary>
    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>User at the sentinels, which do not share the servers' users. Default: none.</summary>
    public string? SentinelUser { get; init; }

    /// <summary>Password at the sentinels. Default: none.</summary>
    public string? SentinelPassword { get; init; }

    /// <summary>Default 0; a cluster has no other.</summary>
    public int Database { get; init; }

    /// <summary>Whether connections are encrypted. Default: no.</summary>
    public bool Tls { get; init; }

    /// <summary>Changes TLS: client certificates, trusted roots, the name to expect. Default: the system's roots and the address's host name.</summary>
    public Action<SslClientAuthenticationOptions>? ConfigureTls { get; init; }

    /// <summary>Shown by CLIENT LIST. Default: tenfold.</summary>
    public string ClientName { get; init; } = "tenfold";

    /// <summary>Connections to each node; a key always uses the same one. Default 2, at most 64.</summary>
    public int ConnectionsPerNode { get; init; } = 2;

    /// <summary>How long connecting, TLS and the handshake may take together. Default 5 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a command waits for a connection that is just being made, for the first time or after a loss. Once an attempt
    /// has failed, commands fail at once until one succeeds. Default 500 ms.
    /// </summary>
    public TimeSpan ConnectWait { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a command waits for its answer, waiting for room included; to within 50 ms. Default 5 s.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Shortest and longest pause between attempts to connect; it doubles, and each is drawn from its upper half. Default 50 ms.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>Default 2 s.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A connection on which nothing came for so long gets a PING. Default 1 s.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A connection that owes an answer and brings nothing for so long is closed as stuck. Default 10 s.</summary>
    public TimeSpan StuckAfter { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Commands under way on one connection; more wait for room. A power of two. Default 8,192.</summary>
    public int MaxPending { get; init; } = 8192;

    /// <summary>Commands that wait for room on one connection, or for the connection; further ones fail at once. Default 65,536.</summary>
    public int MaxWaiting { get; init; } = 65_536;

    /// <summary>Bytes of the commands that wait there; one alone may be larger. Default 256 MiB.</summary>
    public int MaxWaitingBytes { get; init; } = 256 * 1024 * 1024;

    /// <summary>Bytes that one connection keeps unsent before commands wait for room. Default 16 MiB.</summary>
    public int MaxUnsentBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>The largest answer; a larger one closes the connection. Default 512 MiB, as Redis' own limit of a string.</summary>
    public int MaxReplyBytes { get; init; } = 512 * 1024 * 1024;

    /// <summary>Messages that a subscription keeps for a handler that is behind; further ones are dropped and counted. Default 1,024.</summary>
    public int MaxBufferedMessages { get; init; } = 1024;

    /// <summary>How often a cluster's slots are read again even if nothing points to a change. Default 15 s.</summary>
    public TimeSpan TopologyRefresh { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// <c>redis[s]://[[user]:password@]host[:port][,host[:port]…][/database][?cluster=true|sentinel=NAME&amp;name=…]</c>, or
    /// <c>unix:///path/to/socket[?database=N]</c>. Percent-encode what has a meaning of its own.
    /// </summary>
    /// <exception cref="FormatException">It says something else; the password is not repeated in the message.</exception>
    public static RedisOptions Parse(string url) => RedisUrl.Parse(url);

    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    internal RedisOptions Validated()
    {
        Require(EndPoints is { Count: > 0 }, nameof(EndPoints), "must name at least one server");
        Require(Topology != RedisTopology.Single || EndPoints.Count == 1, nameof(EndPoints), $"names {EndPoints.Count} servers; several need cluster or sentinel");
        Require(Topology == RedisTopology.Sentinel == (SentinelPrimary is { Length: > 0 }), nameof(SentinelPrimary), "is needed with sentinels, and only with them");
        Require(Database is >= 0 and < 1_000_000, nameof(Database), $"is {Database}, but must be 0 or more");
        Require(Topology != RedisTopology.Cluster || Database == 0, nameof(Database), $"is {Database}, but a cluster has only 0");
        Require(User is null || Password is not null, nameof(User), "needs a password");
        Require(ConnectionsPerNode is >= 1 and <= 64, nameof(ConnectionsPerNode), $"is {ConnectionsPerNode}, but must be 1 to 64");
        Require(MaxPending is >= 16 and <= 1 << 20 && int.IsPow2(MaxPending), nameof(MaxPending), $"is {MaxPending}, but must be a power of two from 16 to 1,048,576");
        Require(MaxWaiting >= 0, nameof(MaxWaiting), $"is {MaxWaiting}, but must be 0 or more");
        Require(MaxWaitingBytes >= 0, nameof(MaxWaitingBytes), $"is {MaxWaitingBytes}, but must be 0 bytes or more");
        Require(MaxUnsentBytes >= 4096, nameof(MaxUnsentBytes), $"is {MaxUnsentBytes}, but must be at least 4,096 bytes");
        Require(MaxReplyBytes is >= 4096 and <= 1 << 30, nameof(MaxReplyBytes), $"is {MaxReplyBytes}, but must be 4,096 bytes to 1 GiB");
        Require(MaxBufferedMessages >= 1, nameof(MaxBufferedMessages), $"is {MaxBufferedMessages}, but must be at least 1");
        Positive(ConnectTimeout, nameof(ConnectTimeout));
        Positive(CommandTimeout, nameof(CommandTimeout));
        Positive(MinBackoff, nameof(MinBackoff));
        Positive(PingInterval, nameof(PingInterval));
        Positive(StuckAfter, nameof(StuckAfter));
        Positive(TopologyRefresh, nameof(TopologyRefresh));
        Require(ConnectWait >= TimeSpan.Zero, nameof(ConnectWait), "must not be negative");
        Require(MaxBackoff >= MinBackoff, nameof(MaxBackoff), $"is {MaxBackoff}, less than {nameof(MinBackoff)}");
        Require(ClientName is { Length: > 0 } && !ClientName.AsSpan().ContainsAnyExceptInRange('!', '~'), nameof(ClientName), "must be printable ASCII without spaces");
        return this;
    }

    private static void Positive(TimeSpan time, string name) =>
        Require(time > TimeSpan.Zero && time <= TimeSpan.FromDays(1), name, $"is {time}, but must be more than 0 and at most a day");

    private static void Require(bool met, string name, string found)
    {
        if (!met)
        {
            throw new ArgumentException($"{nameof(RedisOptions)}.{name} {found}.");
        }
    }
}
