using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Tenfold.Redis;

/// <summary>Reads the URLs that <see cref="RedisOptions.Parse"/> documents.</summary>
internal static class RedisUrl
{
    private const int Port = 6379;
    private const int SentinelPort = 26379;

    public static RedisOptions Parse(string url)
    {
        ArgumentNullException.ThrowIfNull(url);
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
        {
            // host:port, as connection strings of other clients begin
            throw Bad($"a Redis address begins with redis://, rediss:// or unix://, for example redis://127.0.0.1:{Port}");
        }

        var rest = url[(scheme + 3)..];
        var question = rest.IndexOf('?');
        var query = question < 0 ? "" : rest[(question + 1)..];
        rest = question < 0 ? rest : rest[..question];
        if (rest.Contains('#') || query.Contains('#'))
        {
            throw Bad("'#' has no meaning; write %23 if it belongs to the password");
        }

        var options = url[..scheme] switch
        {
            "redis" => ParseHosts(rest, IsSentinel(query)),
            "rediss" => ParseHosts(rest, IsSentinel(query)) with { Tls = true },
            "unix" => ParseSocket(rest),
            var other => throw Bad($"scheme '{other}' is none of redis, rediss, unix"),
        };
        foreach (var part in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = part.IndexOf('=');
            options = equals < 0 ? throw Bad($"'{part}' is no name=value") : Apply(options, part[..equals], Uri.UnescapeDataString(part[(equals + 1)..]));
        }

        try
        {
            return options.Validated();
        }
        catch (ArgumentException e)
        {
            throw new FormatException($"Redis address: {e.Message}", e);
        }
    }

    private static bool IsSentinel(string query) => query.Split('&').Any(part => part.StartsWith("sentinel=", StringComparison.Ordinal));

    private static RedisOptions ParseHosts(string rest, bool sentinel)
    {
        var slash = rest.IndexOf('/');
        var (authority, path) = slash < 0 ? (rest, "") : (rest[..slash], rest[(slash + 1)..]);
        var at = authority.LastIndexOf('@');
        var (user, password) = at < 0 ? (null, null) : ParseUser(authority[..at]);
        var hosts = authority[(at + 1)..].Split(',').Select(host => ParseHost(host, sentinel ? SentinelPort : Port)).ToArray();
        return new RedisOptions { EndPoints = hosts, User = user, Password = password, Database = path.Length == 0 ? 0 : ParseDatabase(path) };
    }

    private static (string? User, string? Password) ParseUser(string text)
    {
        var colon = text.IndexOf(':');
        if (colon < 0)
        {
            throw Bad("what stands before '@' is user:password, or :password for the default user");
        }

        var user = Uri.UnescapeDataString(text[..colon]);
        return (user.Length == 0 ? null : user, Uri.UnescapeDataString(text[(colon + 1)..]));
    }

    private static EndPoint ParseHost(string text, int defaultPort)
    {
        var (host, port) = (text, "");
        var end = text.StartsWith('[') ? text.IndexOf(']') + 1 : text.IndexOf(':');
        if (end > 0 && end < text.Length)
        {
            (host, port) = text[end] == ':' ? (text[..end], text[(end + 1)..]) : throw Bad($"'{text}' is no host:port");
        }

        var number = defaultPort;
        if (port.Length > 0 && (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number) || number is < 1 or > 65535))
        {
            throw Bad($"'{port}' is no port (1 to 65535)");
        }

        if (host.StartsWith('['))
        {
            return IPAddress.TryParse(host, out var six) && six.AddressFamily == AddressFamily.InterNetworkV6 ? new IPEndPoint(six, number) : throw Bad($"'{host}' is no IPv6 address");
        }

        return IPAddress.TryParse(host, out var address) ? new IPEndPoint(address, number)
            : Uri.CheckHostName(host) == UriHostNameType.Dns ? new DnsEndPoint(host, number)
            : throw Bad(host.Length == 0 ? "a host is missing" : $"'{host}' is no host name");
    }

    private static RedisOptions ParseSocket(string path) =>
        path.StartsWith('/') && path.Length > 1
            ? new RedisOptions { EndPoints = [new UnixDomainSocketEndPoint(Uri.UnescapeDataString(path))] }
            : throw Bad("unix:// needs an absolute path, for example unix:///run/redis/redis.sock");

    private static RedisOptions Apply(RedisOptions options, string name, string value) => name switch
    {
        "cluster" => options with { Topology = value switch { "true" => RedisTopology.Cluster, "false" => options.Topology, _ => throw Bad($"cluster is '{value}', but must be true or false") } },
        "sentinel" => options with { Topology = RedisTopology.Sentinel, SentinelPrimary = value },
        "database" => options with { Database = ParseDatabase(value) },
        "name" => options with { ClientName = value },
        "connections" => options with { ConnectionsPerNode = ParseNumber(name, value) },
        "sentinel-password" => options with { SentinelPassword = value },
        "sentinel-user" => options with { SentinelUser = value },
        _ => throw Bad($"option '{name}' is none of cluster, sentinel, sentinel-user, sentinel-password, database, name, connections"),
    };

    private static int ParseDatabase(string text) => ParseNumber("database", text);

    private static int ParseNumber(string name, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw Bad($"{name} is '{text}', but must be a number");

    private static FormatException Bad(string why) => new($"Redis address: {why}.");
}
