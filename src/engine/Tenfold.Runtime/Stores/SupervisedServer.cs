using Tenfold.Guide;
using Tenfold.Runtime.Logs;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Stores;

/// <summary>What a supervisor must know of a server; one for each engine.</summary>
internal interface IStoreServer
{
    string Name { get; }

    StoreEngine Engine { get; }

    int Port { get; }

    /// <summary>Takes the port of the last run, or another one when that is taken. Not called on a restart: connection strings stay valid.</summary>
    void ChoosePort();

    /// <summary>Right before each start: clears what a crash has left, writes the configuration, and says what to start.</summary>
    Task<ProcessSpec> BeforeStartAsync(CancellationToken cancel);

    /// <summary>Whether this log line says that the server answers now.</summary>
    bool SaysReady(string line);

    /// <summary>Right after each start: checks that it answers, and sets up what the guide wants.</summary>
    Task AfterStartAsync(CancellationToken cancel);
}

/// <summary>
/// Starts one server, starts it again when it ends without being asked to, and stops it. Thread-safe but for
/// <see cref="StartAsync"/>, <see cref="SuspendAsync"/> and <see cref="StopAsync"/>, of which one runs at a time.
/// </summary>
internal sealed class SupervisedServer : IAsyncDisposable
{
    private const int TailLines = 10;
    private const int PortTries = 3;
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(5);

    private readonly IStoreServer _server;
    private readonly SystemState _state;
    private readonly StoreOptions _options;
    private readonly RestartPolicy _policy;
    private readonly LogFile _log;
    private readonly Lock _lock = new();
    private CancellationTokenSource _stop = new();
    private Task _watching = Task.CompletedTask;
    private ChildProcess? _process;
    private StorePhase _phase = StorePhase.Starting;
    private string? _reason = "starting";
    private int _restarts;

    public SupervisedServer(IStoreServer server, SystemState state, StoreOptions options, RestartPolicy policy)
    {
        (_server, _state, _options, _policy) = (server, state, options, policy);
        _log = new LogFile(state.LogFile(server.Name), options.Time);
    }

    public string Name => _server.Name;

    public StoreStatus Status()
    {
        lock (_lock)
        {
            var pid = _process is { Exited.IsCompleted: false } running ? running.Pid : (int?)null;
            return new StoreStatus(_server.Name, _server.Engine, _phase, _server.Port, pid, _restarts, _reason);
        }
    }

    /// <summary>When the server that runs now was started, as a timestamp of the <see cref="TimeProvider"/>; null when none runs.</summary>
    public long? Started
    {
        get
        {
            lock (_lock)
            {
                return _process is { Exited.IsCompleted: false } running ? running.Started : null;
            }
        }
    }

    /// <summary>Returns once the server answers. Also after <see cref="SuspendAsync"/>.</summary>
    /// <param name="cancel">Gives it up.</param>
    /// <param name="keepPort">Its port has been told to others: it must not become another one.</param>
    /// <exception cref="RuntimeException">It cannot be made or does not come up.</exception>
    public async Task StartAsync(CancellationToken cancel, bool keepPort = false)
    {
        for (var left = keepPort ? 1 : PortTries; ; left--)
        {
            if (!keepPort)
            {
                _server.ChoosePort();
            }

            try
            {
                await StartOnceAsync(cancel);
                break;
            }
            catch (RuntimeException) when (left > 1 && !FreePort.IsFree(_server.Port))
            {
                _options.Report($"store {Name}: port {_server.Port} was taken meanwhile");
            }
        }

        _watching = WatchAsync();
    }

    /// <summary>Stops the server; may be called twice, or before it was started.</summary>
    public async Task StopAsync()
    {
        await EndAsync(kill: false);
        Show(StorePhase.Stopped, "stopped");
    }

    /// <summary>Ends the server until it is started again, and shows why.</summary>
    /// <param name="kill">At once, by SIGKILL, also one that is stopped or hangs.</param>
    /// <param name="reason">What is done meanwhile.</param>
    public async Task SuspendAsync(bool kill, string reason)
    {
        await EndAsync(kill);
        if (_process is { } process)
        {
            await process.DisposeAsync();
        }

        _stop.Dispose();
        _stop = new CancellationTokenSource();
        Show(StorePhase.Starting, reason);
    }

    /// <summary>Kills its processes; it is started again as after any other death.</summary>
    public void Kill() => _process?.Kill();

    /// <summary>What <see cref="Status"/> says from now on.</summary>
    public void Show(StorePhase phase, string? reason)
    {
        lock (_lock)
        {
            (_phase, _reason) = (phase, reason);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_process is { } process)
        {
            await process.DisposeAsync();
        }

        await _log.DisposeAsync();
        _stop.Dispose();
    }

    private async Task EndAsync(bool kill)
    {
        await _stop.CancelAsync();
        if (kill)
        {
            Kill();
        }

        await _watching;
        if (_process is { } process)
        {
            await process.StopAsync(kill ? TimeSpan.Zero : _options.StopLimit);
        }
    }

    private async Task StartOnceAsync(CancellationToken cancel)
    {
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = ChildProcess.Start(await _server.BeforeStartAsync(cancel), _state, line =>
        {
            _log.Write(LogOrigin.Out, line);
            if (_server.SaysReady(line))
            {
                ready.TrySetResult();
            }
        }, _options.Time);
        lock (_lock)
        {
            _process = process;
        }

        try
        {
            await WaitReadyAsync(process, ready.Task, cancel);
            await _server.AfterStartAsync(cancel);
        }
        catch
        {
            await process.StopAsync(_options.StopLimit, CancellationToken.None);
            throw;
        }

        Show(StorePhase.Ready, reason: null);
    }

    private async Task WaitReadyAsync(ChildProcess process, Task ready, CancellationToken cancel)
    {
        var start = _options.Time.GetTimestamp();
        while (true)
        {
            var first = await Task.WhenAny(ready, process.Exited, Task.Delay(ReportEvery, _options.Time, cancel));
            cancel.ThrowIfCancellationRequested();
            if (first == ready)
            {
                return;
            }

            if (first == process.Exited)
            {
                throw Failed($"ended with exit code {await process.Exited} instead of starting");
            }

            var elapsed = _options.Time.GetElapsedTime(start);
            if (elapsed >= _options.StartLimit)
            {
                throw Failed($"did not answer within {_options.StartLimit.TotalSeconds:0} s");
            }

            _options.Report($"store {Name}: still starting after {elapsed.TotalSeconds:0} s{(_log.Tail(1) is [var last] ? $": {last}" : "")}");
        }
    }

    private async Task WatchAsync()
    {
        var ends = 0;
        string? notStarted = null; // why there was no new process to end
        while (!_stop.IsCancellationRequested)
        {
            var process = _process!;
            var code = await WaitForEndAsync(process);
            if (code is null)
            {
                return;
            }

            var ranFor = notStarted is null ? _options.Time.GetUtcNow() - process.StartedAt : TimeSpan.Zero;
            (var pause, ends, var loop) = _policy.Decide(ends, ranFor, _options.Random.NextDouble());
            var ending = notStarted is null ? $"ended with exit code {code}{(code == 137 ? " (killed)" : "")}" : $"cannot be started again: {notStarted}";
            var reason = loop
                ? $"crash loop: {ends} times in a row, last it {ending}; tried again every {_policy.Longest.TotalSeconds:0} s or sooner. {Tail()}"
                : $"{ending}; started again in {pause.TotalMilliseconds:0} ms";
            Show(loop ? StorePhase.CrashLoop : StorePhase.Restarting, reason);
            _options.Report($"store {Name}: {reason}");
            try
            {
                await Task.Delay(pause, _options.Time, _stop.Token);
                await process.DisposeAsync();
                lock (_lock)
                {
                    _restarts++;
                }

                await StartOnceAsync(_stop.Token);
                notStarted = null;
                _options.Report($"store {Name}: ready again");
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is RuntimeException or IOException or UnauthorizedAccessException or Npgsql.NpgsqlException or TimeoutException)
            {
                _log.Write(LogOrigin.Host, e.Message);
                notStarted = ReferenceEquals(process, _process) ? e.Message : null; // the next round tells the reason
            }
        }
    }

    /// <summary>The exit code, or null when the server is to be stopped.</summary>
    private async Task<int?> WaitForEndAsync(ChildProcess process)
    {
        try
        {
            return await process.Exited.WaitAsync(_stop.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private RuntimeException Failed(string what)
    {
        var full = DiskSpace.IsBlamed(_log.Tail(TailLines))
            ? $"the disk of {_state.Folder} is full; free some space or set TENFOLD_STATE to a folder on another disk. "
            : "";
        return new RuntimeException(
            full.Length == 0 ? RuntimeFailure.Failed : RuntimeFailure.Machine,
            $"store {Name}: the server {what}. {full}{Tail()}All of its log: {_state.LogFile(Name)}");
    }

    private string Tail() => _log.Tail(TailLines) is { Count: > 0 } lines ? "Its last lines:\n  " + string.Join("\n  ", lines) + "\n" : "It said nothing. ";
}
