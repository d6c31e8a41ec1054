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
        try
        {
            await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => StartAsync()));
            await MeetAsync();
            await WellAsync();
        }
        catch
        {
            await DisposeAsync();
            throw;
        }
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

    /// <summary>Every node knows every other and all agree on who has which slots, and replicas follow.</summary>
    internal Task WellAsync() => Eventually.IsTrueAsync(
        async () =>
        {
            try
            {
                var views = new HashSet<string>();
                foreach (var client in _direct)
                {
                    var info = (await client.ExecuteAsync(["CLUSTER", "INFO"])).Text!;
                    var role = (await client.ExecuteAsync(["ROLE"])).Items;
                    if (!info.Contains("cluster_state:ok", StringComparison.Ordinal) || (role.Span[0].Text == "slave" && role.Span[3].Text != "connected"))
                    {
                        return false;
                    }

                    views.Add(View((await client.ExecuteAsync(["CLUSTER", "NODES"])).Text!));
                }

                return views.Count == 1 && views.Single().Length > 0;
            }
            catch (RedisException)
            {
                return false;
            }
        },
        "the cluster is well");

    /// <summary>The nodes that are primaries at present.</summary>
    internal async Task<int[]> PrimariesAsync()
    {
        var primaries = new List<int>();
        for (var i = 0; i < _direct.Count; i++)
        {
            if ((await _direct[i].ExecuteAsync(["ROLE"])).Items.Span[0].Text == "master")
            {
                primaries.Add(i);
            }
        }

        return [.. primaries];
    }

    /// <summary>Which node is the primary of a slot, as the one that is asked sees it.</summary>
    internal async Task<int> PrimaryOfAsync(int slot, int asked)
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

    private async Task StartAsync()
    {
        var server = await RedisServer.StartAsync("--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0");
        lock (_servers)
        {
            _servers.Add(server);
            _direct.Add(new RedisClient(Patient.Options(server.Url) with { ConnectionsPerNode = 1 }));
        }
    }

    private async Task MeetAsync()
    {
        for (var i = 0; i < 3; i++)
        {
            await _direct[i].ExecuteAsync(["CLUSTER", "ADDSLOTSRANGE", i * 5461, i == 2 ? 16383 : (i * 5461) + 5460]);
        }

        for (var i = 0; i < 6; i++)
        {
            await _direct[i].ExecuteAsync(["CLUSTER", "SET-CONFIG-EPOCH", i + 1]);
            await _direct[i].ExecuteAsync(["CLUSTER", "MEET", "127.0.0.1", _servers[0].Port]);
        }

        for (var i = 3; i < 6; i++)
        {
            var primary = await IdAsync(i - 3);
            await Eventually.IsTrueAsync(async () => await SucceedsAsync(i, "CLUSTER", "REPLICATE", primary), "a replica knows its primary");
        }
    }

    // Three primaries with their slots, in an order that is the same everywhere; empty unless all six are there and linked.
    // A line: id, address, flags, primary, ping sent, pong received, epoch, link, slots.
    private static string View(string nodes)
    {
        var lines = nodes.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')).ToArray();
        var primaries = lines.Where(line => line[2].Contains("master", StringComparison.Ordinal)).ToArray();
        return lines.Length == 6 && primaries.Length == 3 && Array.TrueForAll(lines, line => line[7] == "connected" && !line[2].Contains("fail", StringComparison.Ordinal))
            ? string.Join('\n', primaries.Select(line => string.Join(' ', [line[0], .. line[8..].Where(slots => slots[0] != '[')])).Order())
            : "";
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
