using Microsoft.Extensions.Logging;
using Tenfold.Redis.Connections;

namespace Tenfold.Redis.Routing;

/// <summary>Everything goes to one server.</summary>
internal sealed class SingleRouter(ConnectionContext context, LineSettings settings, ILogger log) : Router
{
    private readonly Node _node = new(context, settings, log);

    public override bool IsConnected => _node.IsConnected;

    public override bool NeedsSlots => _node.Lines.Length > 1;

    public override void Send(Operation operation, ReadOnlySpan<RedisArgument> command) => _node.LineOf(operation.Slot).Send(operation, command);

    public override void Send(Operation operation) => _node.LineOf(operation.Slot).Send(operation);

    public override LineSettings SettingsOf(int slot) => settings;

    public override void Tick(int now) => _node.Tick(now);

    public override ValueTask DisposeAsync() => _node.DisposeAsync();
}
