using System.Net;
using Microsoft.Extensions.Logging;
using Tenfold.Redis.Cluster;
using Tenfold.Redis.Connections;

namespace Tenfold.Redis.Sentinel;

/// <summary>
/// The address of a primary that sentinels name. Sentinels are asked one after the other before each connection, the one that
/// answered last first, and what they name must say itself that it is a primary. Sentinels that one of them knows are asked
/// too. Thread-safe.
/// </summary>
internal sealed class SentinelSettings(ConnectionContext context, ILogger log) : LineSettings(context.Options.EndPoints[0], Credentials.ForServers(context.Options))
{
    private const int MostSentinels = 100;

    private readonly Lock _gate = new();
    private readonly List<EndPoint> _sentinels = [.. context.Options.EndPoints];
    private EndPoint? _primary;

    /// <summary>The primary as last named.</summary>
    public override EndPoint EndPoint => Volatile.Read(ref _primary) ?? base.EndPoint;

    public override async ValueTask<EndPoint> FindAsync(CancellationToken cancel)
    {
        var reasons = new List<string>();
        foreach (var sentinel in Sentinels())
        {
            try
            {
                var primary = await AskAsync(sentinel, cancel);
                if (!primary.Equals(Interlocked.Exchange(ref _primary, primary)))
                {
                    log.LogInformation("Sentinel {Sentinel} names {Primary} as the primary {Name}", sentinel, primary, context.Options.SentinelPrimary);
                }

                return primary;
            }
            catch (RedisException e)
            {
                reasons.Add(e.Message);
            }
        }

        throw new RedisException($"No sentinel names a primary '{context.Options.SentinelPrimary}': {string.Join("; ", reasons)}");
    }

    /// <summary>A former primary that has not heard yet still answers; it must not get writes.</summary>
    public override async ValueTask VerifyAsync(Connection connection, CancellationToken cancel)
    {
        var role = await connection.AskAsync(["ROLE"], cancel);
        var name = role.Items.Length > 0 ? role.Items.Span[0].Text : "unknown";
        if (name != "master")
        {
            throw new RedisException($"{connection.EndPoint} was named as primary, but its role is '{name}'");
        }
    }

    public Task<Connection> ConnectAsync(EndPoint sentinel, CancellationToken cancel) =>
        new Connector(context).ConnectAsync(sentinel, Credentials.ForSentinels(context.Options), cancel);

    public EndPoint[] Sentinels()
    {
        lock (_gate)
        {
            return [.. _sentinels];
        }
    }

    private async Task<EndPoint> AskAsync(EndPoint sentinel, CancellationToken cancel)
    {
        var connection = await ConnectAsync(sentinel, cancel);
        try
        {
            var name = context.Options.SentinelPrimary!;
            var answer = await connection.AskAsync(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name], cancel);
            if (answer.Items.Length != 2 || Address(answer.Items.Span[0], answer.Items.Span[1], sentinel) is not { } primary)
            {
                throw new RedisException($"{sentinel} knows no primary '{name}'");
            }

            Learn(sentinel, await connection.AskAsync(["SENTINEL", "SENTINELS", name], cancel));
            return primary;
        }
        finally
        {
            connection.Abort(new ObjectDisposedException(nameof(SentinelSettings)));
        }
    }

    private void Learn(EndPoint first, RedisReply others)
    {
        lock (_gate)
        {
            _sentinels.Remove(first);
            _sentinels.Insert(0, first);
            foreach (var other in others.Items.Span)
            {
                if (Address(Field(other, "ip"), Field(other, "port"), first) is { } address && !_sentinels.Contains(address) && _sentinels.Count < MostSentinels)
                {
                    _sentinels.Add(address);
                }
            }
        }
    }

    private static RedisReply Field(RedisReply map, string name)
    {
        var items = map.Items.Span;
        for (var i = 0; i + 1 < items.Length; i += 2)
        {
            if (items[i].Text == name)
            {
                return items[i + 1];
            }
        }

        return default;
    }

    private static EndPoint? Address(RedisReply host, RedisReply port, EndPoint from) =>
        host is { Kind: RedisReplyKind.Text } && int.TryParse(port.ToString(), out var number) && number is > 0 and < 65536 ? Redirection.ParseAddress(host.Text!, number, from) : null;
}
