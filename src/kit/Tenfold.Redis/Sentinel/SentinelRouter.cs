using System.Net;
using Microsoft.Extensions.Logging;
using Tenfold.Redis.Connections;
using Tenfold.Redis.Routing;

namespace Tenfold.Redis.Sentinel;

/// <summary>
/// Everything goes to the primary that sentinels name. When they announce another one, or the present one says that it only
/// reads, its connections are ended and the next ones go to the new primary.
/// </summary>
internal sealed class SentinelRouter : Router
{
    private readonly ConnectionContext _context;
    private readonly SentinelSettings _settings;
    private readonly Node _node;
    private readonly SentinelWatch _watch;

    public SentinelRouter(ConnectionContext context, ILogger log)
    {
        _context = context;
        _settings = new SentinelSettings(context, log);
        _node = new Node(context, _settings, log);
        _watch = new SentinelWatch(context, _settings, Announced, log);
    }

    public override bool IsConnected => _node.IsConnected;

    public override bool NeedsSlots => _node.Lines.Length > 1;

    public override void Send(Operation operation, ReadOnlySpan<RedisArgument> command) => _node.LineOf(operation.Slot).Send(operation, command);

    public override void Send(Operation operation) => _node.LineOf(operation.Slot).Send(operation);

    public override LineSettings SettingsOf(int slot) => _settings;

    public override bool Redirects(Operation operation, RedisReply error, EndPoint from)
    {
        // The command was refused; the caller is told, and the next connection goes to the new primary.
        if (error.ErrorBytes.StartsWith("READONLY "u8))
        {
            End(endPoint => endPoint.Equals(from), $"{from} is no primary any more");
        }

        return false;
    }

    public override void Tick(int now)
    {
        _node.Tick(now);
        _watch.Tick(now);
    }

    public override async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync();
        await _node.DisposeAsync();
    }

    private void Announced(EndPoint primary) => End(endPoint => !endPoint.Equals(primary), $"{primary} was announced as the primary {_context.Options.SentinelPrimary}");

    private void End(Predicate<EndPoint> which, string why)
    {
        foreach (var line in _node.Lines)
        {
            if (line.Current is { } connection && which(connection.EndPoint))
            {
                connection.Abort(new RedisException(why));
            }
        }
    }
}
