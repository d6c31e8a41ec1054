using System.Net;
using Microsoft.Extensions.Logging;
using Tenfold.Redis.Cluster;
using Tenfold.Redis.Connections;

namespace Tenfold.Redis.Sentinel;

/// <summary>Listens to a sentinel for the announcement of a new primary.</summary>
internal sealed class SentinelWatch : IAsyncDisposable
{
    private readonly Line _line;

    public SentinelWatch(ConnectionContext context, SentinelSettings sentinels, Action<EndPoint> onSwitch, ILogger log)
    {
        // Pushes of this connection are announcements, not invalidations or messages of the application's.
        var own = context with { Pushes = new Announcements(context.Options.SentinelPrimary!, onSwitch) };
        _line = new Line(own, new WatchSettings(own, sentinels, onSwitch), log);
    }

    public void Tick(int now) => _line.Tick(now);

    public ValueTask DisposeAsync() => _line.DisposeAsync();

    private sealed class WatchSettings(ConnectionContext context, SentinelSettings sentinels, Action<EndPoint> onSwitch)
        : LineSettings(context.Options.EndPoints[0], Credentials.ForSentinels(context.Options))
    {
        private int _next;
        private EndPoint? _watched;

        public override EndPoint EndPoint => _watched ?? base.EndPoint;

        // The next one after a loss, so that a sentinel that is gone is not waited for.
        public override ValueTask<EndPoint> FindAsync(CancellationToken cancel)
        {
            var all = sentinels.Sentinels();
            return new(_watched = all[_next++ % all.Length]);
        }

        public override async ValueTask VerifyAsync(Connection connection, CancellationToken cancel)
        {
            var operation = context.NewOperation();
            operation.IsFence = true;
            operation.Command = new Protocol.CommandBuffer(128);
            operation.Command.Write(["SUBSCRIBE", "+switch-master"]);
            operation.Command.Write(["PING"]);
            var confirmed = new ValueTask<RedisReply>(operation, operation.Version);
            if (!connection.TrySend(operation))
            {
                throw new RedisConnectionException($"The connection to {connection.EndPoint} was lost.", mayHaveExecuted: false);
            }

            await confirmed.AsTask().WaitAsync(context.Options.ConnectTimeout, context.Time, cancel);
        }

        public override void OnConnected(Connection connection)
        {
            // What was announced while nobody listened: the primary's address says so.
            _ = Task.Run(async () =>
            {
                try
                {
                    onSwitch(await sentinels.FindAsync(CancellationToken.None));
                }
                catch (RedisException)
                {
                    // asked again by whoever needs it
                }
            });
        }
    }

    private sealed class Announcements(string name, Action<EndPoint> onSwitch) : IPushes
    {
        public void Take(Connection connection, RedisReply push)
        {
            var items = push.Items.Span;
            // name, former host and port, new host and port
            if (items.Length == 3 && items[0].Text == "message" && items[2].Text?.Split(' ') is { Length: 5 } parts && parts[0] == name
                && int.TryParse(parts[4], out var port) && Redirection.ParseAddress(parts[3], port, connection.EndPoint) is { } primary)
            {
                onSwitch(primary);
            }
        }

        public void Lost()
        {
        }
    }
}
