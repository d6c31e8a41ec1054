namespace Tenfold.Guide;

/// <summary>The system's entrance.</summary>
public sealed record GatewaySection
{
    /// <summary>Port to listen on; 0 takes any free one. Default 8080.</summary>
    [Between("0", "65535")]
    public int Port { get; init; } = 8080;

    /// <summary>Address to listen on. Default <c>localhost</c> (both loopbacks); <c>*</c> is every address.</summary>
    public string Address { get; init; } = "localhost";

    /// <summary>Serve TLS (HTTP/1.1 and HTTP/2 by ALPN) with this certificate instead of clear text.</summary>
    public Tls? Tls { get; init; }

    /// <summary>Networks (CIDR) whose <c>Forwarded</c> and <c>X-Forwarded-*</c> are believed. Default none: they are replaced.</summary>
    public IReadOnlyList<string> TrustForwarded { get; init; } = [];

    /// <summary>What a client may send.</summary>
    public GatewayLimits Limits { get; init; } = new();

    /// <summary>When a failed request is tried on another instance.</summary>
    public Retries Retries { get; init; } = new();

    /// <summary>Which request goes where; the most specific match wins, the first one among equals.</summary>
    public IReadOnlyList<Route> Routes { get; init; } = [];
}

/// <summary>PEM files, relative to the guide.</summary>
public sealed record Tls
{
    /// <summary>Certificate chain.</summary>
    public required string Certificate { get; init; }

    /// <summary>Private key.</summary>
    public required string Key { get; init; }
}

/// <summary>What a client may send, and an instance gets.</summary>
public sealed record GatewayLimits
{
    /// <summary>All request headers together; over it 431. Default 32Ki.</summary>
    [Between("1Ki", "1Gi")]
    public ByteSize Headers { get; init; } = ByteSize.FromKibibytes(32);

    /// <summary>A request body; over it 413. Default 100Mi.</summary>
    [Between("0", "1024Gi")]
    public ByteSize Body { get; init; } = ByteSize.FromMebibytes(100);

    /// <summary>How long a client may take to send its headers; over it 408. Default 10s.</summary>
    [Between("10ms", "1h")]
    public TimeSpan HeaderTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may be idle between requests. Default 2m.</summary>
    [Between("10ms", "1d")]
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Slowest accepted request body in bytes a second, after 5 s of grace. Default 240; 0 accepts any.</summary>
    [Between("0", "1000M")]
    public int BodyRate { get; init; } = 240;

    /// <summary>Connections at once; further ones are closed. Default 20k.</summary>
    [Between("1", "10M")]
    public int Connections { get; init; } = 20_000;

    /// <summary>Requests at once to one instance; further ones wait for their turn within their timeout. Event streams and upgraded connections do not count. Default 1024.</summary>
    [Between("1", "1M")]
    public int InstanceConnections { get; init; } = 1024;
}

/// <summary>A retry budget as in Finagle and Envoy: retries are a share of the requests, with a floor.</summary>
public sealed record Retries
{
    /// <summary>Tries after the first one, each on another instance. Default 2; 0 turns retries off.</summary>
    [Between("0", "10")]
    public int Attempts { get; init; } = 2;

    /// <summary>Retries as a share of the requests of the last 10 s. Default 20%.</summary>
    [Between("0%", "100%")]
    public Percentage Budget { get; init; } = new(0.20);

    /// <summary>Retries a second that are always allowed. Default 3.</summary>
    [Between("0", "1M")]
    public int MinPerSecond { get; init; } = 3;
}

/// <summary>Which requests go to which service, and how.</summary>
public sealed record Route
{
    /// <summary>Path pattern: <c>/api/products/{id}</c>, <c>/api/**</c>.</summary>
    public required PathPattern Path { get; init; }

    /// <summary>Host, exact or <c>*.example.com</c>. Default any.</summary>
    public string? Host { get; init; }

    /// <summary>Methods. Default any.</summary>
    public IReadOnlyList<string> Methods { get; init; } = [];

    /// <summary>Headers that must be there with this value; <c>*</c> is any value.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Query parameters that must be there with this value; <c>*</c> is any value.</summary>
    public IReadOnlyDictionary<string, string> Query { get; init; } = new Dictionary<string, string>();

    /// <summary>The service that answers. Exactly one of this and <see cref="Services"/> is set.</summary>
    public string? Service { get; init; }

    /// <summary>Several services and the weight of each one's instances.</summary>
    [Between("1", "1k")]
    public IReadOnlyDictionary<string, int>? Services { get; init; }

    /// <summary>How an instance is chosen. Default power-of-two-choices.</summary>
    public Balance Balance { get; init; } = Balance.PowerOfTwoChoices;

    /// <summary>For consistent-hash: <c>address</c> (default), <c>header:NAME</c> or <c>cookie:NAME</c>.</summary>
    public string? Hash { get; init; }

    /// <summary>From the request's head received to the last byte of the answer. Default 1m.</summary>
    [Between("1ms", "1d")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>To open a connection to an instance. Default 1s.</summary>
    [Between("1ms", "1h")]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>From the whole request sent to the first byte of the answer. Default: <see cref="Timeout"/>.</summary>
    [Between("1ms", "1d")]
    public TimeSpan? FirstByteTimeout { get; init; }
}

/// <summary>How the gateway chooses an instance.</summary>
public enum Balance
{
    PowerOfTwoChoices,
    RoundRobin,
    Weighted,
    LeastConnections,
    ConsistentHash,
}
