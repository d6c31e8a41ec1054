using System.Threading.Tasks.Sources;
using Tenfold.Redis.Protocol;

namespace Tenfold.Redis.Connections;

/// <summary>
/// A command under way and its caller's task. Exactly one of answer, failure, time limit and cancellation settles it; an
/// operation that was settled by its answer is used again once its caller has taken that, any other is left to the collector,
/// because its answer may still come.
/// </summary>
internal sealed class Operation : IValueTaskSource, IValueTaskSource<RedisReply>, IValueTaskSource<byte[]?>, IValueTaskSource<long>, IValueTaskSource<bool>,
    IValueTaskSource<TrackedValue>, IValueTaskSource<ReadOnlyMemory<RedisReply>>, IThreadPoolWorkItem
{
    private readonly OperationPool _pool;
    private ManualResetValueTaskSourceCore<RedisReply> _core;
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancel;
    private long _life; // two for each use, and one more once it is settled
    private int _answers; // of one sending
    private int _left; // of these, still to come
    private RedisReply _reply;
    private RedisReply _firstError;
    private Exception? _failure;

    public Operation(OperationPool pool) => _pool = pool;

    /// <summary>What to send, where it may have to be sent again or later.</summary>
    public CommandBuffer? Command { get; set; }

    /// <summary>Hash slot of its key; any for a command without one.</summary>
    public int Slot { get; private set; }

    /// <summary>The tick at which it times out.</summary>
    public int Deadline { get; private set; }

    /// <summary>The tick until which it waits for a connection.</summary>
    public int ConnectDeadline { get; private set; }

    /// <summary>Redirections that it has followed.</summary>
    public int Redirections { get; set; }

    /// <summary>Whether it goes to a cluster node that is just taking its slot over.</summary>
    public bool IsAsking { get; private set; }

    /// <summary>An answer that is an error is one more than was expected: see <see cref="PubSub.Subscriptions"/>.</summary>
    public bool IsFence { get; set; }

    public RedisScript? Script { get; set; }

    public IRedisTracker? Tracker { get; set; }

    public ReadOnlyMemory<byte> Key { get; set; }

    /// <summary>Whether an answer that is an error is handed to the caller as one, not thrown.</summary>
    public bool KeepsErrors { get; set; }

    /// <summary>When it was started, if somebody wants durations; else 0.</summary>
    public long Started { get; set; }

    public short Version => _core.Version;

    /// <summary>Identifies this use of the operation; odd once it is settled.</summary>
    public long Life => Volatile.Read(ref _life);

    public bool IsSettled => (Life & 1) != 0;

    public void Begin(int slot, int deadline, int answers) => (Slot, Deadline, _answers, _left) = (slot, deadline, answers, answers);

    /// <summary>Begins its wait for a connection, which is one wait however often it changes the place.</summary>
    public void WaitForConnection(ConnectionContext context)
    {
        if (ConnectDeadline == 0)
        {
            ConnectDeadline = context.Ticks.Now + Ticks.Count(context.ConnectWait);
        }
    }

    /// <summary>Whether another connection would do just as well: it keeps its command, and is not about its connection.</summary>
    public bool IsMovable => Command is not null && !IsFence;

    /// <summary>Before it is sent again.</summary>
    public void BeginAgain(bool asking = false)
    {
        (IsAsking, _left, _firstError) = (asking, _answers + (asking ? 1 : 0), default);
    }

    /// <summary>Writes the command that it keeps.</summary>
    public void WriteTo(CommandBuffer output)
    {
        if (IsAsking && Tracker is not null)
        {
            Tracking.TrackedRead.Write(output, Key.Span, asking: true);
            return;
        }

        if (IsAsking)
        {
            output.WriteRaw("*1\r\n$6\r\nASKING\r\n"u8);
        }

        output.WriteRaw(Command!.Span);
    }

    /// <summary>Settles it when the token is cancelled. Call it before the caller gets the task.</summary>
    public void Watch(CancellationToken cancel)
    {
        if (cancel.CanBeCanceled)
        {
            _cancel = cancel;
            _registration = cancel.UnsafeRegister(static self => ((Operation)self!).Cancel(), this);
        }
    }

    /// <summary>Takes one answer; whether it was the last. The reader's.</summary>
    public bool Take(in RedisReply reply, out RedisReply result)
    {
        if (IsFence && reply.IsError)
        {
            _firstError = reply;
            result = default;
            return false;
        }

        if (--_left > 0)
        {
            if (reply.IsError && !_firstError.IsError)
            {
                _firstError = reply;
            }

            result = default;
            return false;
        }

        result = _firstError.IsError ? _firstError : reply;
        return true;
    }

    /// <summary>Settles it with its answer. The caller's code runs when it is published.</summary>
    public bool TrySettle(in RedisReply reply)
    {
        if (!TryClose(Life))
        {
            return false;
        }

        _reply = reply;
        return true;
    }

    /// <summary>Settles it with a failure, and lets the pool of threads tell the caller.</summary>
    public bool TryFail(Exception failure) => TryFail(Life, failure);

    /// <summary>The same, unless the operation is in another use by now.</summary>
    public bool TryFail(long life, Exception failure)
    {
        if (!TryClose(life))
        {
            return false;
        }

        _failure = failure;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return true;
    }

    /// <summary>Tells the caller; its code goes on in here.</summary>
    public void Publish()
    {
        if (_failure is null)
        {
            _core.SetResult(_reply);
        }
        else
        {
            _core.SetException(_failure);
        }
    }

    void IThreadPoolWorkItem.Execute() => Publish();

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource<RedisReply>.GetStatus(short token) => _core.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource<byte[]?>.GetStatus(short token) => _core.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource<long>.GetStatus(short token) => _core.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _core.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource<TrackedValue>.GetStatus(short token) => _core.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource<ReadOnlyMemory<RedisReply>>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> go, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(go, state, token, flags);

    void IValueTaskSource<RedisReply>.OnCompleted(Action<object?> go, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(go, state, token, flags);

    void IValueTaskSource<byte[]?>.OnCompleted(Action<object?> go, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(go, state, token, flags);

    void IValueTaskSource<long>.OnCompleted(Action<object?> go, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(go, state, token, flags);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> go, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(go, state, token, flags);

    void IValueTaskSource<TrackedValue>.OnCompleted(Action<object?> go, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(go, state, token, flags);

    void IValueTaskSource<ReadOnlyMemory<RedisReply>>.OnCompleted(Action<object?> go, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(go, state, token, flags);

    void IValueTaskSource.GetResult(short token) => Finish(token);

    RedisReply IValueTaskSource<RedisReply>.GetResult(short token) => Finish(token);

    byte[]? IValueTaskSource<byte[]?>.GetResult(short token) => Finish(token).Bytes;

    long IValueTaskSource<long>.GetResult(short token) => Finish(token).Integer;

    bool IValueTaskSource<bool>.GetResult(short token) => Finish(token).Boolean;

    TrackedValue IValueTaskSource<TrackedValue>.GetResult(short token) => Tracking.TrackedRead.Parse(Finish(token));

    ReadOnlyMemory<RedisReply> IValueTaskSource<ReadOnlyMemory<RedisReply>>.GetResult(short token) => Finish(token).Items;

    private RedisReply Finish(short token)
    {
        _registration.Dispose(); // first: nothing may settle its next use
        var reply = _core.GetResult(token);
        var keepsErrors = KeepsErrors;
        Recycle();
        if (reply.IsError && !keepsErrors)
        {
            throw reply.ToException();
        }

        return reply;
    }

    private void Recycle()
    {
        _core.Reset();
        (_registration, _cancel, _reply, _firstError, _failure) = (default, default, default, default, null);
        (Script, Tracker, Key, KeepsErrors, IsFence, IsAsking, Redirections, Started) = (null, null, default, false, false, false, 0, 0);
        ConnectDeadline = 0;
        Command?.Release();
        Command = null;
        Interlocked.Increment(ref _life);
        _pool.Return(this);
    }

    private bool TryClose(long life) => (life & 1) == 0 && Interlocked.CompareExchange(ref _life, life + 1, life) == life;

    private void Cancel() => TryFail(new OperationCanceledException(_cancel));
}

/// <summary>Operations to use again. Thread-safe.</summary>
internal sealed class OperationPool(int size)
{
    private readonly Lock _gate = new();
    private readonly Operation[] _free = new Operation[size];
    private int _count;

    public Operation Rent()
    {
        lock (_gate)
        {
            if (_count > 0)
            {
                return _free[--_count];
            }
        }

        return new Operation(this);
    }

    public void Return(Operation operation)
    {
        lock (_gate)
        {
            if (_count < _free.Length)
            {
                _free[_count++] = operation;
            }
        }
    }
}
