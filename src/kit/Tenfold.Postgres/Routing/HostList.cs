using Npgsql;

namespace Tenfold.Postgres.Routing;

/// <summary>The servers that a connection string names.</summary>
internal static class HostList
{
    /// <summary>One string for each server. A port after a host's last colon wins over <c>Port</c>.</summary>
    /// <exception cref="ArgumentException">It names no server.</exception>
    public static IReadOnlyList<NpgsqlConnectionStringBuilder> Split(string connectionString)
    {
        var all = new NpgsqlConnectionStringBuilder(connectionString);
        var hosts = (all.Host ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (hosts.Length == 0)
        {
            throw new ArgumentException("The connection string names no server; begin it with Host=…", nameof(connectionString));
        }

        return [.. hosts.Select(host =>
        {
            var one = new NpgsqlConnectionStringBuilder(connectionString);
            (one.Host, one.Port) = PortOf(host) is { } colon ? (host[..colon], int.Parse(host.AsSpan(colon + 1))) : (host, all.Port);
            return one;
        })];
    }

    // Index of the colon before a port: not one of a bare IPv6 address.
    private static int? PortOf(string host)
    {
        var colon = host.LastIndexOf(':');
        var isIpv6 = !host.StartsWith('/') && host.IndexOf(':') != colon && host[colon - 1] != ']';
        return colon > 0 && !isIpv6 && ushort.TryParse(host.AsSpan(colon + 1), out _) ? colon : null;
    }
}
