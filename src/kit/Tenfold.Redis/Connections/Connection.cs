using System.Net;
using Tenfold.Redis.Protocol;

namespace Tenfold.Redis.Connections;

/// <summary>
/// One life of a connection. Commands of any number of callers go out in the order in which they were given, as many at once
/// as have gathered; answers come back in the same order and find their operation in a ring. Thread-safe.
/// </summary>
internal sealed partial class Connection
{
    private const int UsualOutput = 16 * 1024;
    private const int KeptOutput = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly ConnectionContext _context;
    private readonly Stream _stream;
    private readonly Operation?[] _ring;
    private readonly WaitingOperations _waiting; // for room
    private readonly int _mask;
    private CommandBuffer _output = new(UsualOutput);
    private CommandBuffer _sending = new(UsualOutput);
    private long _tail; // operations given, under the gate
    private long _handedOver; // of these, how many have been given to the network, under the gate
    private long _head; // of these, how many were answered; the reader's
    private bool _flushing;
    private bool _isClosed;
    private int _lastSign; // tick at which something came, was first owed, or a piece of what is large went out
    private Exception? _reason;

    public Connection(Stream stream, EndPoint endPoint, ConnectionContext context)
    {
        (_stream, EndPoint, _context) = (stream, endPoint, context);
        _waiting = new WaitingOperations(context.Options);
        _ring = new Operation?[context.Options.MaxPending];
        _mask = _ring.Length - 1;
    }

    public EndPoint EndPoint { get; }

    /// <summary>Done when the connection has ended and everything on it has been settled; the result is why.</summary>
    public Task<Exception> Ended { get; private set; } = Task.FromResult<Exception>(new InvalidOperationException("The connection was not started."));

    /// <summary>The tick of the last sign of life.</summary>
    public int LastSign => Volatile.Read(ref _lastSign);

    public int Pending => (int)(Volatile.Read(ref _tail) - Volatile.Read(ref _head));

    /// <summary>Whether CLIENT TRACKING is on.</summary>
    public bool IsTracking { get; set; }

    /// <summary>Begins to read. Once.</summary>
    public void Start()
    {
        _lastSign = _context.Ticks.Now;
        Ended = ReadAsync();
    }

    /// <summary>Gives a command; false if the connection has ended, and nothing of it was sent then.</summary>
    public bool TrySend(Operation operation, ReadOnlySpan<RedisArgument> command)
    {
        bool flush;
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            if (!HasRoom)
            {
                operation.Command ??= new CommandBuffer(256);
                if (operation.Command.Count == 0)
                {
                    operation.Command.Write(command);
                }

                Wait(operation);
                return true;
            }

            _output.Write(command);
            flush = Enter(operation);
        }

        if (flush)
        {
            FlushSoon();
        }

        return true;
    }

    /// <summary>Gives the command that the operation keeps.</summary>
    public bool TrySend(Operation operation)
    {
        bool flush;
        lock (_gate)
        {
            if (_isClosed)
            {
                return false;
            }

            if (!HasRoom)
            {
                Wait(operation);
                return true;
            }

            operation.WriteTo(_output);
            flush = Enter(operation);
        }

        if (flush)
        {
            FlushSoon();
        }

        return true;
    }

    /// <summary>A command of the client's own.</summary>
    /// <exception cref="RedisException">It was refused, or there was no answer.</exception>
    public async Task<RedisReply> AskAsync(RedisArgument[] command, CancellationToken cancel)
    {
        var operation = _context.NewOperation();
        operation.Watch(cancel);
        var reply = new ValueTask<RedisReply>(operation, operation.Version);
        if (!TrySend(operation, command))
        {
            operation.TryFail(new RedisConnectionException($"The connection to {EndPoint} was lost.", mayHaveExecuted: false));
        }

        try
        {
            return await reply.AsTask().WaitAsync(_context.Options.ConnectTimeout, _context.Time, cancel);
        }
        catch (TimeoutException e)
        {
            throw new RedisException($"{EndPoint} did not answer {command[0]} within {_context.Options.ConnectTimeout.TotalSeconds:0.#} s.", e);
        }
    }

    /// <summary>Keeps what is given until <see cref="Release"/>. Before anything was given.</summary>
    public void Hold() => _flushing = true;

    public void Release() => Write();

    /// <summary>Ends it; what is under way fails.</summary>
    public void Abort(Exception reason)
    {
        Interlocked.CompareExchange(ref _reason, reason, null);
        _stream.Dispose();
    }

    /// <summary>Fails what is over its time, asks for a sign of life, and ends a connection that gives none.</summary>
    public void Tick(int now)
    {
        FailLate(now);
        var options = _context.Options;
        var silent = Ticks.Span(now - LastSign);
        switch (Liveness.Decide(silent, Pending > 0, options.PingInterval, options.StuckAfter))
        {
            case Sign.Ask:
                _context.Ping(this);
                break;
            case Sign.Stuck:
                Abort(new RedisException($"{EndPoint} is stuck: it owes {Pending} answers and sent nothing for {silent.TotalSeconds:0.0} s"));
                break;
        }

        // What a blocked thread may hold, and those that began to wait when the reader, having made the last room, had looked already.
        Flush();
    }

    private bool HasRoom =>
        _waiting.Count == 0 && _tail - Volatile.Read(ref _head) < _ring.Length && (_output.Count < _context.Options.MaxUnsentBytes || _output.Count == 0);

    // Under the gate, after the command was written. Whether the caller has to see to it that it is flushed.
    private bool Enter(Operation operation)
    {
        if (_tail == Volatile.Read(ref _head))
        {
            Volatile.Write(ref _lastSign, _context.Ticks.Now);
        }

        _ring[_tail & _mask] = operation;
        Volatile.Write(ref _tail, _tail + 1);
        return !_flushing;
    }

    private void Wait(Operation operation)
    {
        if (!_waiting.TryAdd(operation))
        {
            var found = $"{Pending} commands are under way on the connection to {EndPoint}, and {_waiting.Count} of {_waiting.Bytes} bytes wait for room.";
            operation.TryFail(new RedisConnectionException(found, mayHaveExecuted: false));
        }
    }

    private void FailLate(int now)
    {
        var tail = Volatile.Read(ref _tail);
        for (var i = Volatile.Read(ref _head); i < tail; i++)
        {
            if (_ring[i & _mask] is not { } operation)
            {
                continue;
            }

            // The operation may be answered and in another use by now: its life is read while it still has its place.
            var life = operation.Life;
            var late = operation.Deadline - now <= 0;
            if (late && Volatile.Read(ref _head) <= i)
            {
                operation.TryFail(life, Late(mayHaveExecuted: i < Volatile.Read(ref _handedOver)));
            }
        }

        if (_waiting.Count > 0)
        {
            lock (_gate)
            {
                foreach (var operation in _waiting.All)
                {
                    if (operation.Deadline - now <= 0)
                    {
                        operation.TryFail(Late(mayHaveExecuted: false));
                    }
                }
            }
        }
    }

    private RedisTimeoutException Late(bool mayHaveExecuted)
    {
        _context.Counters.TimedOut();
        var limit = $"No answer within {_context.Options.CommandTimeout.TotalMilliseconds:0} ms from {EndPoint}";
        return new RedisTimeoutException($"{limit}; {Pending} commands are under way on that connection, {_waiting.Count} wait for room.", mayHaveExecuted);
    }
}
