using System.ComponentModel;
using System.Diagnostics;
using Tenfold.Runtime.Cgroups;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Processes;

/// <summary>A program that this process started: in its own session, in its cgroup from its first instruction, with a pid file.</summary>
/// <remarks>Thread-safe. Its output (both streams, in their order) goes line by line to one callback, one call at a time.</remarks>
public sealed class ChildProcess : IAsyncDisposable
{
    /// <summary>Marks every process that belongs to a state folder; its value is the folder.</summary>
    public const string StateVariable = "TENFOLD_STATE_DIR";

    private static readonly TimeSpan OutputGrace = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirmGrace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan KillWait = TimeSpan.FromSeconds(10);

    private readonly Process _process;
    private readonly ProcessSpec _spec;
    private readonly TimeProvider _time;
    private readonly string _pidFile;
    private readonly CancellationTokenSource _stopReading = new();

    private ChildProcess(Process process, ProcessSpec spec, SystemState state, Action<string> onLine, TimeProvider time)
    {
        (_process, _spec, _time, _pidFile) = (process, spec, time, state.PidFile(spec.Name));
        (StartedAt, Started) = (time.GetUtcNow(), time.GetTimestamp());
        Pid = process.Id;
        // A child that has already ended is a zombie until WaitForExit: its identity is then of no use to anyone.
        Identity = ProcessIdentity.Of(Pid) ?? new ProcessIdentity(Pid, -1, "ended");
        WritePidFile();
        var output = OutputReader.RunAsync(process.StandardOutput.BaseStream, onLine, time, _stopReading.Token);
        Exited = WaitAsync(output);
    }

    /// <summary>What was started.</summary>
    public string Name => _spec.Name;

    /// <summary>Process id.</summary>
    public int Pid { get; }

    /// <summary>Process id and start time.</summary>
    public ProcessIdentity Identity { get; }

    /// <summary>When it was started.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>As <see cref="StartedAt"/>, by the clock that never jumps: a timestamp of the <see cref="TimeProvider"/>.</summary>
    public long Started { get; }

    /// <summary>
    /// Its exit code, 128 + the signal's number when a signal ended it. Completes when the program has ended, whatever it
    /// left running was killed, and its last line was delivered. Never faults.
    /// </summary>
    public Task<int> Exited { get; }

    /// <summary>Starts a program. The state's folders must be there.</summary>
    /// <exception cref="RuntimeException">The program or the working folder is missing, or may not be run.</exception>
    public static ChildProcess Start(ProcessSpec spec, SystemState state, Action<string> onLine, TimeProvider time)
    {
        if (!Directory.Exists(spec.WorkingDirectory))
        {
            throw new RuntimeException(RuntimeFailure.Guide, $"{spec.Name}: the folder {spec.WorkingDirectory} is not there");
        }

        var program = Programs.Find(spec.FileName, spec.WorkingDirectory)
            ?? throw new RuntimeException(RuntimeFailure.Guide, $"{spec.Name}: no program '{spec.FileName}' on this machine (not on PATH, or not executable); install it or correct the command");
        try
        {
            var process = Process.Start(Launch.Prepare(spec, program, state.Folder))!;
            process.StandardInput.Close();
            process.StandardError.Close();
            return new ChildProcess(process, spec, state, onLine, time);
        }
        catch (Win32Exception e)
        {
            throw new RuntimeException(RuntimeFailure.Machine, $"{spec.Name}: {program} cannot be started: {e.Message}", e);
        }
    }

    // On a full disk it runs without: a later host finds it by its environment or its working folder all the same.
    private void WritePidFile()
    {
        try
        {
            new PidFile(Identity, _spec.StopSignal, _spec.SignalGroup, _spec.Cgroup?.Folders ?? []).Write(_pidFile);
        }
        catch (RuntimeException)
        {
            File.Delete(_pidFile); // of the process before
        }
    }

    /// <summary>Sends a signal to the program itself; false when it has ended.</summary>
    public bool Signal(Signal signal) => Identity.Signal(signal);

    /// <summary>Asks it to stop, and kills it and all it started when it has not ended within <paramref name="grace"/>.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync(TimeSpan grace, CancellationToken cancel = default)
    {
        if (!Exited.IsCompleted && Identity.IsAlive)
        {
            _ = _spec.SignalGroup ? SendToGroup(_spec.StopSignal) : Signals.Send(Pid, _spec.StopSignal);
            // A stopped (SIGSTOP) process gets no signal but this one.
            _ = SendToGroup(Processes.Signal.Continue);
            try
            {
                return await Exited.WaitAsync(grace, _time, cancel);
            }
            catch (Exception e) when (e is TimeoutException or OperationCanceledException)
            {
                await InsistAsync();
            }
        }

        return await Exited.WaitAsync(KillWait, _time, CancellationToken.None);
    }

    private async Task InsistAsync()
    {
        if (_spec.FirmSignal is { } firm && Identity.Signal(firm))
        {
            await Task.WhenAny(Exited, Task.Delay(FirmGrace, _time, CancellationToken.None));
        }

        Kill();
    }

    /// <summary>Kills it and all it started, at once.</summary>
    public void Kill()
    {
        if (Identity.IsAlive)
        {
            _ = SendToGroup(Processes.Signal.Kill);
        }

        KillLeftovers();
    }

    // For a moment after its start it has no group of its own yet.
    private bool SendToGroup(Signal signal) => Signals.Send(-Pid, signal) || Signals.Send(Pid, signal);

    /// <summary>What it uses: from its cgroup where it has one, else summed over its session from <c>/proc</c>.</summary>
    /// <param name="processes">A process table to share between several calls, not read for one with a cgroup; read when not given.</param>
    public ResourceUsage Usage(Lazy<IReadOnlyList<ProcessRow>>? processes = null) =>
        _spec.Cgroup?.Usage() ?? ResourceUsage.OfSession(processes?.Value ?? ProcessTable.All(), Pid);

    /// <summary>Kills it when it still runs. One that the kernel does not let go (a dead disk) is left behind after 10 s, with its pid file.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!Exited.IsCompleted)
        {
            Kill();
        }

        if (await Task.WhenAny(Exited, Task.Delay(KillWait, _time, CancellationToken.None)) != Exited)
        {
            return; // what still waits for it uses the rest
        }

        _process.Dispose();
        _stopReading.Dispose();
    }

    private async Task<int> WaitAsync(Task output)
    {
        await _process.WaitForExitAsync(CancellationToken.None);
        KillLeftovers();
        // Something that left the session may still hold the pipe: it is read for a moment longer, no more.
        await Task.WhenAny(output, Task.Delay(OutputGrace, _time, CancellationToken.None));
        await _stopReading.CancelAsync();
        await output;
        if (PidFile.Read(_pidFile) is { } mine && mine.Process == Identity)
        {
            File.Delete(_pidFile);
        }

        return _process.ExitCode;
    }

    // The session outlives its first process: node under npm, a worker under a shell.
    private void KillLeftovers()
    {
        foreach (var row in ProcessTable.All())
        {
            if (row.Session == Pid && row.IsRunning)
            {
                _ = Signals.Send(row.Pid, Processes.Signal.Kill);
            }
        }

        _spec.Cgroup?.KillAll();
    }
}
