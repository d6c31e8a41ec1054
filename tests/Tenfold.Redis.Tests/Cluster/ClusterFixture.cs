using Tenfold.Redis.Tests.Support;
using Tenfold.TestSupport;

namespace Tenfold.Redis.Tests.Cluster;

/// <summary>Three primaries, each with a replica.</summary>
public sealed class ClusterFixture : IAsyncLifetime
{
    private readonly List<RedisServer> _servers = [];
    private readonly List<RedisClient> _direct = [];

    internal IReadOnlyList<RedisServer> Servers => _servers;

    /// <summary>A client of each node alone.</summary>
    internal IReadOnlyList<RedisClient> Direct => _direct;

    internal string Url => $"redis://{string.Join(',', _servers.Take(2).Select(server => $"127.0.0.1:{server.Port}"))}?cluster=true";

    public async ValueTask InitializeAsync()
    {
        _servers.AddRange(await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => RedisServer.StartAsync(
            "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", $"{RedisServer.FreePort()}", "--repl-diskless-sync-delay", "0"))));
        _direct.AddRange(_servers.Select(server => new RedisClient(Patient.Options(server.Url) with { ConnectionsPerNode = 1 })));
        for (var i = 0; i < 3; i++)
        {
            await _direct[i].ExecuteAsync(["CLUSTER", "ADDSLOTSRANGE", i * 5461, i == 2 ? 16383 : (i * 5461) + 5460]);
        }

        for (var i = 0; i < 6; i++)
        {
            await _direct[i].ExecuteAsync(["CLUSTER", "SET-CONFIG-EPOCH", i + 1]);
            var bus = await _direct[0].ExecuteAsync(["CONFIG", "GET", "cluster-port"]);
            await _direct[i].ExecuteAsync(["CLUSTER", "MEET", "127.0.0.1", _servers[0].Port, bus.Items.Span[1].Integer]);
        }

        for (var i = 3; i < 6; i++)
        {
            var primary = await IdAsync(i - 3);
            await Eventually.IsTrueAsync(async () => await SucceedsAsync(i, "CLUSTER", "REPLICATE", primary), "a replica knows its primary");
        }

        await WellAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _direct)
        {
            await client.DisposeAsync();
        }

        foreach (var server in _servers)
        {
            await server.DisposeAsync();
        }
    }

    internal async Task<string> IdAsync(int node) => (await _direct[node].ExecuteAsync(["CLUSTER", "MYID"])).Text!;

    /// <summary>Every node of those that live agrees that all is well, and replicas follow.</summary>
    internal Task WellAsync() => Eventually.IsTrueAsync(
        async () =>
        {
            foreach (var client in _direct)
            {
                try
                {
                    var info = (await client.ExecuteAsync(["CLUSTER", "INFO"])).Text!;
                    var role = (await client.ExecuteAsync(["ROLE"])).Items;
                    if (!info.Contains("cluster_state:ok", StringComparison.Ordinal) || !info.Contains("cluster_known_nodes:6", StringComparison.Ordinal)
                        || (role.Span[0].Text == "slave" && role.Span[3].Text != "connected") || (role.Span[0].Text == "master" && role.Span[2].Items.Length == 0))
                    {
                        return false;
                    }
                }
                catch (RedisException)
                {
                    return false;
                }
            }

            return true;
        },
        "the cluster is well");

    /// <summary>Which node is the primary of a slot, as node 0 sees it.</summary>
    internal async Task<int> PrimaryOfAsync(int slot, int asked = 0)
    {
        foreach (var range in (await _direct[asked].ExecuteAsync(["CLUSTER", "SLOTS"])).Items.ToArray())
        {
            var parts = range.Items.ToArray();
            if (parts[0].Integer <= slot && slot <= parts[1].Integer)
            {
                return _servers.FindIndex(server => server.Port == parts[2].Items.Span[1].Integer);
            }
        }

        throw new InvalidOperationException($"Nobody has slot {slot}.");
    }

    private async Task<bool> SucceedsAsync(int node, params RedisArgument[] command)
    {
        try
        {
            await _direct[node].ExecuteAsync(command);
            return true;
        }
        catch (RedisServerException)
        {
            return false;
        }
    }
}
