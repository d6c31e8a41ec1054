using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Instances;

/// <summary>Idle connections to one instance; the one used last is used next, so that spare ones grow old and go. Thread-safe.</summary>
internal sealed class ConnectionPool : IDisposable
{
    /// <summary>Most idle connections; further ones are closed.</summary>
    public const int MaxIdle = 512;

    /// <summary>An idle connection is closed after this long: well before Kestrel (130 s) or nginx (75 s) would.</summary>
    private const long MaxAge = 60_000;

    private readonly Lock _lock = new();
    private Idle[] _idle = new Idle[16];
    private int _count;
    private bool _closed;

    /// <summary>The freshest idle connection that is still open, or null.</summary>
    public Http1Connection? TryTake(long now)
    {
        while (true)
        {
            Idle idle;
            lock (_lock)
            {
                if (_count == 0)
                {
                    return null;
                }

                idle = _idle[--_count];
                _idle[_count] = default;
            }

            if (now < idle.Until && !idle.Connection.Closed)
            {
                return idle.Connection;
            }

            idle.Connection.Dispose();
        }
    }

    /// <summary>Keeps a connection for the next request.</summary>
    public void Return(Http1Connection connection, long now)
    {
        var until = now + MaxAge;
        if (connection.Head.KeepAliveSeconds is { } seconds)
        {
            until = Math.Min(until, now + (seconds * 1000L) - 1000); // the server's own limit, less what a request may be on its way
        }

        connection.Watch();
        lock (_lock)
        {
            if (!_closed && _count < MaxIdle && until > now)
            {
                if (_count == _idle.Length)
                {
                    Array.Resize(ref _idle, _count * 2);
                }

                _idle[_count++] = new Idle(connection, until);
                return;
            }
        }

        connection.Dispose();
    }

    /// <summary>Closes what is too old or has been closed by the instance.</summary>
    public void Sweep(long now)
    {
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
                }
            }

            Array.Clear(_idle, kept, _count - kept);
            _count = kept;
        }
    }

    /// <summary>Closes every idle connection; those in use are closed when they come back.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _closed = true;
            for (var i = 0; i < _count; i++)
            {
                _idle[i].Connection.Dispose();
            }

            Array.Clear(_idle, 0, _count);
            _count = 0;
        }
    }

    private readonly record struct Idle(Http1Connection Connection, long Until);
}
