using System.Net;
using System.Runtime.CompilerServices;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Instances;

/// <summary>
/// The connections to one instance. The idle one used last is used next, so that spare ones grow old and go. When none is
/// idle a request takes whichever comes first, a connection that another request gives back or one of the few that are
/// being opened: a burst then grows the pool at a pace that the instance can follow, instead of once for every request that
/// waits. Thread-safe.
/// </summary>
/// <param name="endPoint">The instance.</param>
/// <param name="most">Most connections; further requests wait their turn. Released ones do not count.</param>
/// <param name="time">For the limit of connecting.</param>
internal sealed class ConnectionPool(EndPoint endPoint, int most, TimeProvider time) : IDisposable
{
    /// <summary>Most idle connections; further ones are closed.</summary>
    public const int MaxIdle = 512;

    /// <summary>Most connections that are being opened at once.</summary>
    public const int MaxConnecting = 8;

    /// <summary>An idle connection is closed after this long: well before Kestrel (130 s) or nginx (75 s) would.</summary>
    private const long MaxAge = 60_000;

    private readonly Lock _lock = new();
    private readonly Queue<Waiter> _waiters = new(); // only while nothing is idle
    private Idle[] _idle = new Idle[16];
    private int _count;
    private int _open; // idle, in use and being opened
    private int _connecting;
    private long _asked;
    private bool _closed;

    /// <summary>Requests that wait for a connection.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>A connection for one request: <see cref="Return"/>, <see cref="Discard"/> or <see cref="Release"/> it.</summary>
    /// <param name="now">In milliseconds.</param>
    /// <param name="until">How long to wait at most, in milliseconds like <paramref name="now"/>; holds to within 100 ms.</param>
    /// <param name="limit">Longest time that opening one may take.</param>
    public ValueTask<Taken> TakeAsync(long now, long until, TimeSpan limit)
    {
        while (true)
        {
            Idle idle;
            lock (_lock)
            {
                if (_count == 0)
                {
                    return new ValueTask<Taken>(Wait(until, limit));
                }

                idle = _idle[--_count];
                _idle[_count] = default;
            }

            if (now < idle.Until && !idle.Connection.Closed)
            {
                return new ValueTask<Taken>(new Taken(idle.Connection, true, NoConnection.None));
            }

            Discard(idle.Connection);
        }
    }

    /// <summary>A connection that nobody has used, at once and whatever the limits say: for a request whose idle one proved to be closed.</summary>
    public async ValueTask<Taken> OpenAsync(TimeSpan limit)
    {
        lock (_lock)
        {
            _open++;
        }

        var taken = await ConnectAsync(limit);
        if (taken.Connection is null)
        {
            Leave();
        }

        return taken;
    }

    /// <summary>Gives a connection that is fit for another request to the one that waits longest, or keeps it.</summary>
    public void Return(Http1Connection connection, long now)
    {
        var until = now + MaxAge;
        if (connection.Head.KeepAliveSeconds is { } seconds)
        {
            until = Math.Min(until, now + (seconds * 1000L) - 1000); // the server's own limit, less what a request may be on its way
        }

        Waiter? waiter;
        lock (_lock)
        {
            waiter = _closed || until <= now ? null : Dequeue();
        }

        if (waiter is not null)
        {
            waiter.Give(new Taken(connection, true, NoConnection.None));
            return;
        }

        connection.Watch();
        lock (_lock)
        {
            if (!_closed && _count < MaxIdle && until > now && _waiters.Count == 0)
            {
                if (_count == _idle.Length)
                {
                    Array.Resize(ref _idle, _count * 2);
                }

                _idle[_count++] = new Idle(connection, until);
                return;
            }

            waiter = _closed || until <= now ? null : Dequeue();
        }

        if (waiter is not null)
        {
            waiter.Give(new Taken(connection, true, NoConnection.None)); // came in just now
            return;
        }

        Discard(connection);
    }

    /// <summary>Closes a connection that was taken.</summary>
    public void Discard(Http1Connection connection)
    {
        connection.Dispose();
        Leave();
    }

    /// <summary>A connection that was taken stays with its request for good (an upgrade, an endless answer) and counts no more.</summary>
    public void Release() => Leave();

    /// <summary>Closes what is too old or has been closed by the instance, and ends what has waited too long.</summary>
    public void Sweep(long now)
    {
        List<Waiter>? late = null;
        lock (_lock)
        {
            var kept = 0;
            for (var i = 0; i < _count; i++)
            {
                var idle = _idle[i];
                if (now < idle.Until && !idle.Connection.Closed)
                {
                    _idle[kept++] = idle;
                }
                else
                {
                    idle.Connection.Dispose();
                    _open--;
                }
            }

            Array.Clear(_idle, kept, _count - kept);
            _count = kept;
            for (var i = _waiters.Count; i > 0; i--)
            {
                var waiter = _waiters.Dequeue();
                if (now < waiter.Until)
                {
                    _waiters.Enqueue(waiter);
                }
                else
                {
                    (late ??= []).Add(waiter);
                }
            }
        }

        late?.ForEach(waiter => waiter.Give(new Taken(null, false, NoConnection.Busy)));
    }

    /// <summary>Closes every idle connection, and refuses what waits; those in use are closed when they come back.</summary>
    public void Dispose()
    {
        Waiter[] waiters;
        lock (_lock)
        {
            _closed = true;
            for (var i = 0; i < _count; i++)
            {
                _idle[i].Connection.Dispose();
            }

            Array.Clear(_idle, 0, _count);
            (_open, _count) = (_open - _count, 0);
            waiters = [.. _waiters];
            _waiters.Clear();
        }

        foreach (var waiter in waiters)
        {
            waiter.Give(new Taken(null, false, NoConnection.Refused));
        }
    }

    // Under the lock.
    private Task<Taken> Wait(long until, TimeSpan limit)
    {
        if (_closed)
        {
            return Task.FromResult(new Taken(null, false, NoConnection.Refused));
        }

        var waiter = new Waiter(++_asked, until, limit);
        _waiters.Enqueue(waiter);
        if (MayOpen(_connecting))
        {
            (_connecting, _open) = (_connecting + 1, _open + 1);
            _ = Task.Run(() => GrowAsync(limit)); // off this thread: it holds the lock
        }

        return waiter.Task;
    }

    // Under the lock: whether another one is worth opening beside those that are being opened.
    private bool MayOpen(int connecting) => connecting < Math.Min(MaxConnecting, _waiters.Count) && _open < most && !_closed;

    // Under the lock.
    private Waiter? Dequeue() => _waiters.TryDequeue(out var waiter) ? waiter : null;

    // Opens one connection after the other while requests wait.
    private async Task GrowAsync(TimeSpan limit)
    {
        while (true)
        {
            long asked;
            lock (_lock)
            {
                asked = _asked;
            }

            var taken = await ConnectAsync(limit);
            Waiter? waiter = null;
            List<Waiter>? refused = null;
            bool again;
            lock (_lock)
            {
                if (taken.Connection is not null)
                {
                    waiter = Dequeue();
                }
                else
                {
                    _open--;
                    // Who asked before this was tried has waited for all of it.
                    while (_waiters.TryPeek(out var first) && first.Number <= asked)
                    {
                        (refused ??= []).Add(_waiters.Dequeue());
                    }
                }

                again = MayOpen(_connecting - 1);
                if (again)
                {
                    _open++;
                    limit = _waiters.Peek().Limit;
                }
                else
                {
                    _connecting--;
                }
            }

            refused?.ForEach(w => w.Give(taken));
            if (waiter is not null)
            {
                waiter.Give(taken);
            }
            else if (taken.Connection is { } spare)
            {
                Keep(spare);
            }

            if (!again)
            {
                return;
            }
        }
    }

    private void Keep(Http1Connection fresh) => Return(fresh, time.GetTimestamp() / (time.TimestampFrequency / 1000));

    private async ValueTask<Taken> ConnectAsync(TimeSpan limit)
    {
        using var cancellation = new CancellationTokenSource(limit, time);
        try
        {
            return new Taken(await Http1Connection.ConnectAsync(endPoint, cancellationToken: cancellation.Token), false, NoConnection.None);
        }
        catch (OperationCanceledException)
        {
            return new Taken(null, false, NoConnection.Late);
        }
        catch (Http1Exception)
        {
            return new Taken(null, false, NoConnection.Refused);
        }
    }

    // One connection fewer; a request that waits for room may have it.
    private void Leave()
    {
        TimeSpan limit;
        lock (_lock)
        {
            _open--;
            if (!MayOpen(_connecting))
            {
                return;
            }

            (_connecting, _open, limit) = (_connecting + 1, _open + 1, _waiters.Peek().Limit);
        }

        _ = Task.Run(() => GrowAsync(limit));
    }

    private readonly record struct Idle(Http1Connection Connection, long Until);

    private sealed class Waiter(long number, long until, TimeSpan limit) : TaskCompletionSource<Taken>
    {
        public long Number => number;

        public long Until => until;

        public TimeSpan Limit => limit;

        // The request goes on here and now, as everywhere in the gateway; only when that has happened too often on one stack, elsewhere.
        public void Give(Taken taken)
        {
            if (RuntimeHelpers.TryEnsureSufficientExecutionStack())
            {
                SetResult(taken);
            }
            else
            {
                ThreadPool.UnsafeQueueUserWorkItem(static w => w.Waiter.SetResult(w.Taken), (Waiter: this, Taken: taken), preferLocal: false);
            }
        }
    }
}

/// <summary>Why there is no connection.</summary>
internal enum NoConnection
{
    None,

    /// <summary>The instance refused it.</summary>
    Refused,

    /// <summary>The instance did not accept it in time.</summary>
    Late,

    /// <summary>Every connection was in use until the time limit.</summary>
    Busy,
}

/// <summary>A connection, or why there is none.</summary>
/// <param name="Connection">Null when there is none.</param>
/// <param name="Reused">Whether another request had it before, so that the instance may have closed it.</param>
/// <param name="Why">Why there is none.</param>
internal readonly record struct Taken(Http1Connection? Connection, bool Reused, NoConnection Why);
