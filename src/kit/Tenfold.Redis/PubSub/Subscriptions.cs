using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Tenfold.Redis.Connections;
using Tenfold.Redis.Routing;

namespace Tenfold.Redis.PubSub;

/// <summary>
/// Subscriptions of a client, on a connection of their own (made with the first one): Redis ends a subscriber's connection
/// that falls behind, and that must not be one with commands on it. They are made again on every new connection. Thread-safe.
/// </summary>
internal sealed class Subscriptions(ConnectionContext context, Router router, ILogger log) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(bool IsPattern, string Name), List<Subscription>> _all = [];
    private Line? _line;
    private bool _isOver;

    /// <summary>Subscribes; done when Redis has confirmed it.</summary>
    public async ValueTask<IAsyncDisposable> AddAsync(bool isPattern, string name, Func<RedisMessage, ValueTask> handler, CancellationToken cancel)
    {
        var subscription = new Subscription(this, (isPattern, name), handler, context, log);
        ValueTask<RedisReply> confirmed;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isOver, typeof(RedisClient));
            if (!_all.TryGetValue(subscription.Topic, out var list))
            {
                _all[subscription.Topic] = list = [];
            }

            list.Add(subscription);
            _line ??= new Line(context, new ResubscribingSettings(this, router.SettingsOf(0)), log);
            confirmed = Send(isPattern ? "PSUBSCRIBE" : "SUBSCRIBE", name, cancel);
        }

        try
        {
            await confirmed;
            return subscription;
        }
        catch
        {
            await subscription.DisposeAsync();
            throw;
        }
    }

    /// <summary>A push that is no invalidation.</summary>
    public void Take(ReadOnlySpan<RedisReply> push)
    {
        var kind = push[0].Bytes.AsSpan();
        var isPattern = kind.SequenceEqual("pmessage"u8);
        if (push.Length != (isPattern ? 4 : 3) || !(isPattern || kind.SequenceEqual("message"u8)))
        {
            return; // confirmations, which the fence behind them stands for
        }

        var message = new RedisMessage(push[^2].Text!, push[^1].Bytes ?? []);
        lock (_gate)
        {
            if (_all.TryGetValue((isPattern, push[1].Text!), out var list))
            {
                foreach (var subscription in list)
                {
                    subscription.Take(message);
                }
            }
        }
    }

    public void Tick(int now)
    {
        Line? line;
        lock (_gate)
        {
            line = _line;
        }

        line?.Tick(now);
    }

    public async ValueTask DisposeAsync()
    {
        Line? line;
        Subscription[] all;
        lock (_gate)
        {
            (_isOver, line) = (true, _line);
            all = [.. _all.Values.SelectMany(list => list)];
            _all.Clear();
        }

        foreach (var subscription in all)
        {
            await subscription.DisposeAsync();
        }

        if (line is not null)
        {
            await line.DisposeAsync();
        }
    }

    private void Remove(Subscription subscription)
    {
        lock (_gate)
        {
            if (!_all.TryGetValue(subscription.Topic, out var list) || !list.Remove(subscription) || list.Count > 0)
            {
                return;
            }

            _all.Remove(subscription.Topic);
            if (!_isOver && _line!.IsConnected)
            {
                _ = Send(subscription.Topic.IsPattern ? "PUNSUBSCRIBE" : "UNSUBSCRIBE", subscription.Topic.Name, CancellationToken.None).AsTask();
            }
        }
    }

    // A subscription is confirmed by a push, or refused by an answer: behind it goes a PING whose answer always comes last.
    private ValueTask<RedisReply> Send(string command, string name, CancellationToken cancel)
    {
        var operation = NewFence();
        operation.Watch(cancel);
        operation.Command = new Protocol.CommandBuffer(128);
        operation.Command.Write([command, name]);
        operation.Command.Write(["PING"]);
        _line!.Send(operation);
        return new ValueTask<RedisReply>(operation, operation.Version);
    }

    private Operation NewFence()
    {
        var operation = context.NewOperation();
        operation.IsFence = true;
        return operation;
    }

    private void Resubscribe(Connection connection)
    {
        lock (_gate)
        {
            foreach (var (isPattern, name) in _all.Keys)
            {
                var operation = NewFence();
                operation.KeepsErrors = true;
                operation.Command = new Protocol.CommandBuffer(128);
                operation.Command.Write([isPattern ? "PSUBSCRIBE" : "SUBSCRIBE", name]);
                operation.Command.Write(["PING"]);
                connection.TrySend(operation);
            }
        }

        connection.Flush();
    }

    private sealed class ResubscribingSettings(Subscriptions owner, LineSettings server) : LineSettings(server.EndPoint, server.Credentials with { Tracks = false })
    {
        public override System.Net.EndPoint EndPoint => server.EndPoint;

        public override ValueTask<System.Net.EndPoint> FindAsync(CancellationToken cancel) => server.FindAsync(cancel);

        public override ValueTask VerifyAsync(Connection connection, CancellationToken cancel) => server.VerifyAsync(connection, cancel);

        public override void OnConnected(Connection connection) => owner.Resubscribe(connection);

        public override void OnLost(Exception reason) => server.OnLost(reason);
    }

    private sealed class Subscription : IAsyncDisposable
    {
        private readonly Subscriptions _owner;
        private readonly ConnectionContext _context;
        private readonly Channel<RedisMessage> _messages;
        private readonly Func<RedisMessage, ValueTask> _handler;
        private readonly ILogger _log;

        public Subscription(Subscriptions owner, (bool IsPattern, string Name) topic, Func<RedisMessage, ValueTask> handler, ConnectionContext context, ILogger log)
        {
            (_owner, Topic, _handler, _context, _log) = (owner, topic, handler, context, log);
            _messages = Channel.CreateBounded<RedisMessage>(new BoundedChannelOptions(context.Options.MaxBufferedMessages) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
            _ = Task.Run(HandleAsync);
        }

        public (bool IsPattern, string Name) Topic { get; }

        public void Take(RedisMessage message)
        {
            if (!_messages.Writer.TryWrite(message))
            {
                _context.Counters.Dropped();
            }
        }

        public ValueTask DisposeAsync()
        {
            _messages.Writer.TryComplete();
            _owner.Remove(this);
            return default;
        }

        private async Task HandleAsync()
        {
            await foreach (var message in _messages.Reader.ReadAllAsync())
            {
                try
                {
                    await _handler(message);
                }
#pragma warning disable CA1031 // One message's failure is not the next one's.
                catch (Exception e)
#pragma warning restore CA1031
                {
                    _log.LogError(e, "The handler of Redis channel {Channel} failed", message.Channel);
                }
            }
        }
    }
}
