using Microsoft.Extensions.Logging;

namespace Tenfold.Redis.Connections;

/// <summary>
/// A connection that is kept: made in the background, and made again after it is lost. Commands that come while the first
/// attempt is under way wait for it, in order and for a bounded time; once an attempt has failed they fail at once. Thread-safe.
/// </summary>
internal sealed class Line : IAsyncDisposable
{
    private static readonly TimeSpan Steady = TimeSpan.FromSeconds(1); // a connection that lived shorter counts as a failure

    private readonly Lock _gate = new();
    private readonly ConnectionContext _context;
    private readonly LineSettings _settings;
    private readonly ILogger _log;
    private readonly WaitingOperations _parked;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private volatile Connection? _current;
    private Exception? _failure; // of the last attempt
    private bool _isOver;

    public Line(ConnectionContext context, LineSettings settings, ILogger log)
    {
        (_context, _settings, _log, _parked) = (context, settings, log, new WaitingOperations(context.Options));
        _running = Task.Run(RunAsync);
    }

    public bool IsConnected => _current is not null;

    public Connection? Current => _current;

    /// <summary>The last attempt's failure; null while there is a connection or the first attempt after a loss is under way.</summary>
    public Exception? Failure => Volatile.Read(ref _failure);

    /// <summary>Sends a command, now or when there is a connection; the operation tells how it went.</summary>
    public void Send(Operation operation, ReadOnlySpan<RedisArgument> command)
    {
        if (_current?.TrySend(operation, command) == true)
        {
            return;
        }

        operation.Command ??= new Protocol.CommandBuffer(256);
        if (operation.Command.Count == 0)
        {
            operation.Command.Write(command);
        }

        Park(operation);
    }

    /// <summary>Sends the command that the operation keeps.</summary>
    public void Send(Operation operation)
    {
        if (_current?.TrySend(operation) != true)
        {
            Park(operation);
        }
    }

    public void Tick(int now)
    {
        _current?.Tick(now);
        List<Operation>? late = null;
        lock (_gate)
        {
            while (_parked.Peek() is { } operation && operation.ConnectDeadline - now <= 0)
            {
                (late ??= []).Add(_parked.Take());
            }
        }

        foreach (var operation in late ?? [])
        {
            Refuse(operation, new TimeoutException($"none could be made within {_context.ConnectWait.TotalMilliseconds:0} ms"));
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _current?.Abort(new ObjectDisposedException(nameof(RedisClient)));
        await _running;
        _stop.Dispose();
    }

    private void Park(Operation operation)
    {
        Exception? failure;
        lock (_gate)
        {
            if (_current is { } connection && connection.TrySend(operation))
            {
                return;
            }

            failure = _isOver ? new ObjectDisposedException(nameof(RedisClient)) : _failure;
            if (failure is null)
            {
                operation.WaitForConnection(_context);
                if (_parked.TryAdd(operation))
                {
                    return;
                }

                failure = new InvalidOperationException($"{_parked.Count} commands of {_parked.Bytes} bytes already wait for it");
            }
        }

        Refuse(operation, failure);
    }

    private void Refuse(Operation operation, Exception why)
    {
        if (!operation.IsSettled && !_context.Resender.TakesOver(operation))
        {
            var text = why is RedisConnectionException ? why.Message : $"There is no connection to {_settings.EndPoint}: {why.Message}";
            operation.TryFail(new RedisConnectionException(text, mayHaveExecuted: false, why));
        }
    }

    private async Task RunAsync()
    {
        var connector = new Connector(_context);
        var failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var endPoint = await _settings.FindAsync(_stop.Token);
                var connection = await connector.ConnectAsync(endPoint, _settings.Credentials, _stop.Token);
                await VerifyAsync(connection);
                var since = _context.Time.GetTimestamp();
                Connected(connection);
                var reason = await connection.Ended;
                Lost(reason);
                failures = _context.Time.GetElapsedTime(since) > Steady ? 0 : failures + 1;
                if (failures > 1)
                {
                    FailParked(reason); // it connects, but not for long
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                break;
            }
#pragma warning disable CA1031 // Whatever fails, options' own code too: the line goes on trying.
            catch (Exception e)
#pragma warning restore CA1031
            {
                failures++;
                Failed(e as RedisException ?? new RedisException($"Cannot connect to {_settings.EndPoint}: {e.Message}", e), failures);
            }

            if (failures > 0 && !_stop.IsCancellationRequested)
            {
                await PauseAsync(failures);
            }
        }

        Over();
    }

    private async Task VerifyAsync(Connection connection)
    {
        try
        {
            await _settings.VerifyAsync(connection, _stop.Token);
        }
        catch (Exception e)
        {
            connection.Abort(e);
            throw;
        }
    }

    private async Task PauseAsync(int failures)
    {
        var pause = Backoff.Pause(failures, _context.Options.MinBackoff, _context.Options.MaxBackoff, _context.Draw());
        await Task.Delay(pause, _context.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Connected(Connection connection)
    {
        lock (_gate)
        {
            // Under the gate, so that nothing overtakes what has been waiting. If it is lost again the rest stays parked.
            while (_parked.Peek() is { } operation && (operation.IsSettled || connection.TrySend(operation)))
            {
                _parked.Take();
            }

            _current = connection;
            _failure = null;
        }

        _context.Counters.Connected();
        _log.LogInformation("Connected to Redis at {EndPoint}", connection.EndPoint);
        _settings.OnConnected(connection);
        if (_stop.IsCancellationRequested)
        {
            connection.Abort(new ObjectDisposedException(nameof(RedisClient)));
        }
    }

    private void Lost(Exception reason)
    {
        _current = null;
        _context.Counters.Lost();
        if (!_stop.IsCancellationRequested)
        {
            _log.LogWarning("Lost the connection to Redis at {EndPoint}: {Reason}", _settings.EndPoint, reason.Message);
            _settings.OnLost(reason);
        }
    }

    private void Failed(RedisException failure, int failures)
    {
        // One line when it begins to fail, then one each doubling: an outage of hours is no flood.
        if (int.IsPow2(failures))
        {
            _log.LogWarning("{Failure}; attempt {Attempt}", failure.Message, failures);
        }

        FailParked(failure);
        _settings.OnLost(failure);
    }

    private void Over()
    {
        lock (_gate)
        {
            _isOver = true;
        }

        FailParked(new ObjectDisposedException(nameof(RedisClient)));
    }

    private void FailParked(Exception failure)
    {
        Operation[] parked;
        lock (_gate)
        {
            _failure = failure;
            parked = _parked.TakeAll();
        }

        foreach (var operation in parked)
        {
            Refuse(operation, failure);
        }
    }
}
