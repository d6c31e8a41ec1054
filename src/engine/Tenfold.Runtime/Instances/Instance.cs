using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Tenfold.Runtime.Cgroups;
using Tenfold.Runtime.Logs;
using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Instances;

/// <summary>
/// One instance under supervision: its process is started, waited for, put into rotation, watched, and started again when it
/// dies or hangs, until it is asked to leave. Thread-safe.
/// </summary>
public sealed class Instance : IAsyncDisposable
{
    private const int ReportedLines = 12;
    private static readonly TimeSpan ReadyPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LeastGrace = TimeSpan.FromSeconds(1);

    private readonly ServiceRun _run;
    private readonly LogFile _log;
    private readonly Func<IReadOnlySet<int>> _takenPorts;
    private readonly CancellationTokenSource _leave = new();
    private readonly CancellationTokenSource _hurry = new();
    private readonly TaskCompletionSource _firstReady = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _living;
    private volatile InstanceStatus _status;
    private volatile ChildProcess? _child;

    /// <param name="run">What its service's instances are started with.</param>
    /// <param name="number">Its number; the name is service and number.</param>
    /// <param name="takenPorts">Ports that other instances have been given.</param>
    public Instance(ServiceRun run, int number, Func<IReadOnlySet<int>> takenPorts)
    {
        _run = run;
        _takenPorts = takenPorts;
        Number = number;
        Name = $"{run.Name}-{number}";
        _status = new InstanceStatus { Name = Name };
        _log = new LogFile(run.State.LogFile(Name), run.Time, warn: run.Note);
        // Nobody may wait for it; a failed start is told by the status then.
        _ = _firstReady.Task.ContinueWith(task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        _living = Task.Run(LiveAsync);
    }

    /// <summary>Service and number: <c>api-2</c>.</summary>
    public string Name { get; }

    /// <summary>Unique in its service.</summary>
    public int Number { get; }

    /// <summary>What it is doing now.</summary>
    public InstanceStatus Status => _status;

    /// <summary>What its process uses; null while none runs.</summary>
    /// <param name="processes">For one without a cgroup; not asked for otherwise.</param>
    public ResourceUsage? Usage(Lazy<IReadOnlyList<ProcessRow>> processes) => _child is { Exited.IsCompleted: false } child ? child.Usage(processes) : null;

    /// <summary>Waits for its first readiness.</summary>
    /// <exception cref="RuntimeException">It loops in crashes, its program cannot be started, or it is not ready in time (<c>health.start</c>).</exception>
    public async Task WaitReadyAsync(CancellationToken cancel)
    {
        try
        {
            await _firstReady.Task.WaitAsync(_run.Service.Health.Start + LeastGrace, _run.Time, cancel);
        }
        catch (TimeoutException)
        {
            throw NotReady($"it was not ready within {Seconds(_run.Service.Health.Start)}");
        }
    }

    /// <summary>Takes it out of rotation, lets it finish what is in flight, and stops it: SIGTERM, and SIGKILL after <c>drain</c>. May be called again.</summary>
    /// <param name="hurry">When cancelled, it is killed at once.</param>
    public async Task StopAsync(CancellationToken hurry)
    {
        await _leave.CancelAsync();
        await using (hurry.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), _hurry))
        {
            await _living;
        }
    }

    /// <summary>Kills it when it still runs. The token sources are left to the collector: another caller may be stopping it too.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(new CancellationToken(canceled: true));

    private async Task LiveAsync()
    {
        var deaths = 0;
        while (!_leave.IsCancellationRequested)
        {
            var (ending, readyFor) = await LiveOnceAsync();
            if (ending is null)
            {
                break; // asked to leave
            }

            var decision = _run.Restarts.Decide(deaths, readyFor, _run.Random.NextDouble());
            deaths = decision.Deaths;
            Report(ending, decision);
            try
            {
                await Task.Delay(decision.Wait, _run.Time, _leave.Token);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }

        _status = _status with { State = InstanceState.Stopped, Pid = null, ReadySince = null, Ready = null };
        _firstReady.TrySetException(NotReady("it was stopped"));
        await _log.DisposeAsync();
    }

    /// <summary>From start to end of one process; null when it was asked to leave, else how it ended.</summary>
    private async Task<(string? Ending, TimeSpan ReadyFor)> LiveOnceAsync()
    {
        Cgroup? cgroup = null;
        try
        {
            var result = await Cgroup.TryCreateAsync(_run.State, Name, _run.Service.Instance, _run.Time, _leave.Token);
            cgroup = result.Group;
            if (cgroup is null && _run.Service.Instance is not { Cpu: null, Memory: null })
            {
                _run.Unlimited(result.Reason ?? "no reason known");
            }

            var endPoint = ChooseEndPoint();
            await using var child = ChildProcess.Start(Specify(endPoint, cgroup), _run.State, line => _log.Write(LogOrigin.Out, line), _run.Time);
            _child = child;
            _status = _status with
            {
                State = InstanceState.Starting, Pid = child.Pid, EndPoint = endPoint, StartedAt = child.StartedAt, Started = _run.Time.GetTimestamp(), ReadySince = null, Ready = null,
            };
            Log($"started with pid {child.Pid}");

            var complaint = await WatchAsync(child, endPoint);
            if (_leave.IsCancellationRequested)
            {
                await LeaveAsync(child);
                return (null, TimeSpan.Zero);
            }

            _run.Rotation.Remove(_run.Name, Name);
            if (complaint is not null)
            {
                child.Kill();
            }

            var code = await child.Exited;
            var readyFor = _status.Ready is { } since ? _run.Time.GetElapsedTime(since) : TimeSpan.Zero;
            var outOfMemory = _run.Service.Instance.Memory is not null && child.Usage(new([])).OutOfMemoryKills > 0;
            return ((complaint ?? ExitText.Of(code, outOfMemory, _run.Service.Instance.Memory)) + $", {Seconds(_run.Time.GetUtcNow() - child.StartedAt)} after its start", readyFor);
        }
        catch (Exception e) when (e is RuntimeException or IOException or UnauthorizedAccessException)
        {
            _firstReady.TrySetException(e as RuntimeException ?? new RuntimeException(RuntimeFailure.Machine, $"{Name} cannot be started: {e.Message}", e));
            return ($"could not be started: {e.Message}", TimeSpan.Zero);
        }
        catch (OperationCanceledException) when (_leave.IsCancellationRequested)
        {
            return (null, TimeSpan.Zero);
        }
        finally
        {
            _child = null;
            if (cgroup is not null)
            {
                await cgroup.RemoveAsync(_run.Time, CancellationToken.None);
            }
        }
    }

    /// <summary>Returns null when the process ended or is asked to leave, else what is wrong with it.</summary>
    private async Task<string?> WatchAsync(ChildProcess child, EndPoint endPoint)
    {
        var health = _run.Service.Health;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_leave.Token);
        using var probe = new HealthProbe(endPoint, health.Path, health.Timeout, _run.Time);
        var watching = WatchAsync(probe, over.Token);
        await Task.WhenAny(child.Exited, watching);
        await over.CancelAsync();
        try
        {
            return await watching;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private async Task<string> WatchAsync(HealthProbe probe, CancellationToken cancel)
    {
        var health = _run.Service.Health;
        var start = _run.Time.GetTimestamp();
        var result = default(ProbeResult);
        while (!(result = await probe.CheckAsync(cancel)).Ready)
        {
            if (_run.Time.GetElapsedTime(start) > health.Start)
            {
                return $"was not ready within {Seconds(health.Start)} ({result})";
            }

            _status = _status with { Note = result.ToString() };
            await Task.Delay(ReadyPoll, _run.Time, cancel);
        }

        _run.Rotation.Add(_run.Name, Name, _status.EndPoint!);
        _status = _status with { State = InstanceState.Ready, ReadySince = _run.Time.GetUtcNow(), Ready = _run.Time.GetTimestamp(), Note = null };
        var took = _run.Time.GetElapsedTime(_status.Started ?? start);
        Log($"ready after {Seconds(took)}");
        _run.Started(took);
        _firstReady.TrySetResult();

        var unanswered = 0;
        while (true)
        {
            await Task.Delay(health.Interval, _run.Time, cancel);
            result = await probe.CheckAsync(cancel);
            unanswered = Liveness.Count(unanswered, result);
            _status = _status with { Note = result.Ready ? null : result.ToString() };
            if (Liveness.IsHung(unanswered, health))
            {
                return $"hung: {unanswered} health checks in a row without an answer ({result}); it was killed";
            }
        }
    }

    private async Task LeaveAsync(ChildProcess child)
    {
        var drain = _run.Service.Drain;
        var start = _run.Time.GetTimestamp();
        var wasReady = _status.ReadySince is not null;
        _status = _status with { State = InstanceState.Stopping, ReadySince = null, Ready = null };
        if (wasReady)
        {
            try
            {
                if (!await _run.Rotation.DrainAsync(_run.Name, Name, drain, _hurry.Token))
                {
                    Log($"requests are still in flight after {Seconds(drain)}");
                }
            }
            catch (OperationCanceledException)
            {
                Log("requests in flight are given up");
            }
        }

        // One limit for both: what the requests did not use is left for the process, but never too little to exit at all.
        var left = drain - _run.Time.GetElapsedTime(start);
        var code = await child.StopAsync(left > LeastGrace ? left : LeastGrace, _hurry.Token);
        _run.Rotation.Remove(_run.Name, Name);
        Log($"stopped: it {ExitText.Of(code)}");
        if (code != 0 && code != 128 + (int)Signal.Terminate && !_hurry.IsCancellationRequested)
        {
            _run.Note($"{Name} {ExitText.Of(code)} when it was stopped");
        }
    }

    private EndPoint ChooseEndPoint()
    {
        if (!_run.Service.Socket)
        {
            return new IPEndPoint(IPAddress.Loopback, FreePort.Find(_run.Random, _takenPorts()));
        }

        var path = _run.State.Socket(Name);
        File.Delete(path); // of the process before
        return new UnixDomainSocketEndPoint(path);
    }

    private ProcessSpec Specify(EndPoint endPoint, Cgroup? cgroup) => new()
    {
        Name = Name,
        FileName = _run.Command[0],
        Arguments = [.. _run.Command.Skip(1)],
        WorkingDirectory = _run.WorkingDirectory,
        Environment = InstanceEnvironment.OfInstance(_run.Environment(), Name, endPoint),
        Cgroup = cgroup,
    };

    private void Report(string ending, RestartDecision decision)
    {
        var next = decision.Wait == TimeSpan.Zero ? "it is started again now" : $"it is started again in {Seconds(decision.Wait)}";
        _status = _status with
        {
            State = decision.CrashLoop ? InstanceState.CrashLoop : InstanceState.Waiting,
            Pid = null,
            ReadySince = null,
            Ready = null,
            Restarts = _status.Restarts + 1,
            Note = ending,
        };
        Log($"{ending}; {next}");
        if (!decision.CrashLoop)
        {
            _run.Note($"{Name} {ending}; {next}");
            return;
        }

        _run.Note($"{Name} is in a crash loop: it died {decision.Deaths} times in a row; the last time it {ending}; {next}{LastLines()}");
        _firstReady.TrySetException(NotReady("it is in a crash loop"));
    }

    private RuntimeException NotReady(string what) =>
        new(RuntimeFailure.Failed, $"{Name} does not become ready: {what}{(_status.Note is { } note ? $" ({note})" : "")}{LastLines()}");

    private string LastLines() => _log.Tail(ReportedLines) is { Count: > 0 } lines
        ? $"; its last lines:{string.Concat(lines.Select(line => "\n    " + line))}"
        : "; it wrote nothing";

    private void Log(string text) => _log.Write(LogOrigin.Host, text);

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString(time.TotalSeconds < 10 ? "0.##" : "0", CultureInfo.InvariantCulture) + " s";
}
