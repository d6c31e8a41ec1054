using Tenfold.Redis.Tests.Support;
using Tenfold.TestSupport;

namespace Tenfold.Redis.Tests.Sentinel;

/// <summary>A primary with a replica, and three sentinels that call it shop.</summary>
public sealed class SentinelFixture : IAsyncLifetime
{
    private readonly List<RedisServer> _servers = [];
    private readonly List<RedisServer> _sentinels = [];

    internal IReadOnlyList<RedisServer> Sentinels => _sentinels;

    public async ValueTask InitializeAsync()
    {
        try
        {
            await StartAsync();
            await WellAsync();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
    }

    private async Task StartAsync()
    {
        _servers.Add(await RedisServer.StartAsync("--repl-diskless-sync-delay", "0"));
        _servers.Add(await RedisServer.StartAsync("--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1", $"{_servers[0].Port}"));
        var configuration = $"""
            sentinel monitor shop 127.0.0.1 {_servers[0].Port} 2
            sentinel down-after-milliseconds shop 1000
            sentinel failover-timeout shop 5000
            """;
        for (var i = 0; i < 3; i++)
        {
            _sentinels.Add(await RedisServer.StartSentinelAsync(configuration));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _sentinels.Concat(_servers))
        {
            await server.DisposeAsync();
        }
    }

    /// <summary>Sentinels know each other and a replica that follows.</summary>
    internal async Task WellAsync()
    {
        foreach (var sentinel in _sentinels)
        {
            await using var direct = new RedisClient(Patient.Options(sentinel.Url) with { ConnectionsPerNode = 1 });
            await Eventually.IsTrueAsync(() => KnowsAllAsync(direct), "sentinels and replica know each other");
        }
    }

    /// <summary>The present primary, and the other one.</summary>
    internal async Task<(RedisServer Primary, RedisServer Replica)> ServersAsync()
    {
        await using var sentinel = new RedisClient(Patient.Options(_sentinels[0].Url) with { ConnectionsPerNode = 1 });
        var port = (await sentinel.ExecuteAsync(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "shop"])).Items.Span[1].Integer;
        return (_servers.Single(server => server.Port == port), _servers.Single(server => server.Port != port));
    }

    private static async Task<bool> KnowsAllAsync(RedisClient sentinel)
    {
        var others = await sentinel.ExecuteAsync(["SENTINEL", "SENTINELS", "shop"]);
        var replicas = await sentinel.ExecuteAsync(["SENTINEL", "REPLICAS", "shop"]);
        return others.Items.Length == 2 && replicas.Items.Length == 1 && replicas.Items.Span[0].Items.ToArray().Any(item => item.Kind == RedisReplyKind.Text && item.Text == "ok");
    }
}

internal static class PrimaryPort
{
    /// <summary>Of the server that takes this client's writes; 0 while none does.</summary>
    public static async Task<int> PrimaryPortAsync(this RedisClient client)
    {
        try
        {
            await client.SetAsync("key", "1".Utf8());
            return (int)(await client.ExecuteAsync(["CONFIG", "GET", "port"])).Items.Span[1].Integer;
        }
        catch (RedisConnectionException)
        {
            return 0;
        }
        catch (RedisServerException e) when (e.Code is "READONLY" or "MASTERDOWN")
        {
            return 0;
        }
    }
}
