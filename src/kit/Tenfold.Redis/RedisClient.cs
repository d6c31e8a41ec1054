using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tenfold.Redis.Cluster;
using Tenfold.Redis.Commands;
using Tenfold.Redis.Connections;
using Tenfold.Redis.Metrics;
using Tenfold.Redis.PubSub;
using Tenfold.Redis.Routing;
using Tenfold.Redis.Sentinel;
using Tenfold.Redis.Tracking;

namespace Tenfold.Redis;

/// <summary>
/// A client of Redis 6 or newer. One is enough for a process: all its callers share a few connections a server, on which
/// commands are pipelined. It connects in the background and again after a loss. Thread-safe.
/// </summary>
/// <remarks>
/// Every command may throw <see cref="RedisServerException"/> (Redis said no), <see cref="RedisConnectionException"/> (no
/// answer; it says whether the command may have been executed), its subclass <see cref="RedisTimeoutException"/>, and
/// <see cref="OperationCanceledException"/> (the wait was given up; the command may be executed). Nothing is ever sent a
/// second time when it may have been executed. Await each returned task exactly once.
/// </remarks>
public sealed partial class RedisClient : IAsyncDisposable
{
    private readonly RedisOptions _options;
    private readonly ConnectionContext _context;
    private readonly Router _router;
    private readonly Trackers _trackers;
    private readonly Subscriptions _subscriptions;
    private int _disposed;

    /// <summary>Begins to connect. An absent server is no error here.</summary>
    /// <param name="options">Where Redis is, and bounds.</param>
    /// <param name="time">Default: the system's.</param>
    /// <param name="logs">Default: none.</param>
    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    public RedisClient(RedisOptions options, TimeProvider? time = null, ILoggerFactory? logs = null)
        : this(options, time ?? TimeProvider.System, logs ?? NullLoggerFactory.Instance, new Random())
    {
    }

    internal RedisClient(RedisOptions options, TimeProvider time, ILoggerFactory logs, Random random)
    {
        _options = (options ?? throw new ArgumentNullException(nameof(options))).Validated();
        var log = logs.CreateLogger("Tenfold.Redis");
        _trackers = new Trackers(log);
        var made = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _context = new ConnectionContext
        {
            Options = _options,
            Time = time,
            Ticks = new Ticks(time, Tick),
            Dispatcher = new Dispatcher(time),
            Operations = new OperationPool(4096),
            Counters = new ClientCounters(time),
            Random = random,
            Pushes = new PushSink(this),
            Resender = new Resender(this),
            Made = made.Task,
        };
        _router = _options.Topology switch
        {
            RedisTopology.Cluster => new ClusterRouter(_context, log),
            RedisTopology.Sentinel => new SentinelRouter(_context, log),
            _ => new SingleRouter(_context, new LineSettings(_options.EndPoints[0], Credentials.ForServers(_options)), log),
        };
        _subscriptions = new Subscriptions(_context, _router, log);
        made.SetResult();
    }

    /// <summary>Whether every connection stands. False does not mean that commands fail: some servers or connections may be there.</summary>
    public bool IsConnected => _router.IsConnected;

    /// <summary>Commands that were given to the network.</summary>
    internal long CommandsSent => _context.Counters.CommandsSent;

    internal System.Diagnostics.Metrics.Meter Meter => _context.Counters.Meter;

    /// <summary>
    /// Any command, by its words: <c>ExecuteAsync(["HSET", key, "field", value])</c>. Commands that would change the connection
    /// for its other callers are refused.
    /// </summary>
    /// <exception cref="ArgumentException">The command does not fit a connection that others share; the message says what to use instead.</exception>
    public ValueTask<RedisReply> ExecuteAsync(ReadOnlySpan<RedisArgument> command, CancellationToken cancel = default)
    {
        CommandRules.Check(command);
        var key = _router.NeedsSlots ? CommandRules.KeyIndex(command) : -1;
        var operation = Start(key < 0 ? 0 : HashSlot.Of(command[key].ToKey()), command, cancel);
        return new ValueTask<RedisReply>(operation, operation.Version);
    }

    /// <summary>Closes the connections; what is under way fails.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _subscriptions.DisposeAsync();
        await _router.DisposeAsync();
        _context.Ticks.Dispose();
        _context.Counters.Dispose();
        _context.Dispatcher.Dispose();
    }

    private int SlotOf(in RedisKey key) => _router.NeedsSlots ? HashSlot.Of(key) : 0;

    private Operation Start(int slot, ReadOnlySpan<RedisArgument> command, CancellationToken cancel)
    {
        var operation = Begin(slot, 1, cancel);
        if (!operation.IsSettled)
        {
            _router.Send(operation, command);
        }

        return operation;
    }

    private Operation Begin(int slot, int answers, CancellationToken cancel)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);
        var operation = _context.Operations.Rent();
        operation.Begin(slot, _context.Ticks.Now + _context.CommandTicks, answers);
        operation.Started = _context.Counters.Start();
        operation.Watch(cancel);
        return operation;
    }

    private void Tick(int now)
    {
        // The first beat may come before the constructor has ended.
        if (_router is null || _subscriptions is null)
        {
            return;
        }

        _context.Dispatcher.Rescue();
        _router.Tick(now);
        _subscriptions.Tick(now);
    }

    /// <summary>Hands on what Redis sends unasked.</summary>
    private sealed class PushSink(RedisClient client) : IPushes
    {
        public void Take(Connection connection, RedisReply push)
        {
            var items = push.Items.Span;
            if (items.Length == 2 && items[0].Bytes.AsSpan().SequenceEqual("invalidate"u8))
            {
                client._trackers.Invalidate(items[1]);
            }
            else if (items.Length > 0)
            {
                client._subscriptions.Take(items);
            }
        }

        public void Lost() => client._trackers.InvalidateAll();
    }

    /// <summary>Commands that go out again: scripts in full, redirections.</summary>
    private sealed class Resender(RedisClient client) : IResender
    {
        public bool TakesOver(Operation operation, RedisReply error, EndPoint from)
        {
            if (operation.Script is not null && !operation.IsSettled && error.ErrorBytes.StartsWith("NOSCRIPT"u8))
            {
                Scripts.Evaluation.SendInFull(operation);
                client._context.Counters.Redirected();
                // Not from the reader's loop: a full connection would have to be waited for.
                ThreadPool.UnsafeQueueUserWorkItem(static pair => pair.Router.Send(pair.Operation), (Router: client._router, Operation: operation), preferLocal: false);
                return true;
            }

            return client._router.Redirects(operation, error, from);
        }

        public bool TakesOver(Operation operation) => client._router.Redirects(operation);
    }
}
