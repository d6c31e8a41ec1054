using System.Diagnostics;

namespace Tenfold.Runtime.Processes;

/// <summary>Runs a program that ends by itself: apt-get, initdb.</summary>
public static class Tool
{
    private static readonly TimeSpan StopWait = TimeSpan.FromSeconds(60);

    /// <summary>Runs it to its end and returns its exit code; its lines go to <paramref name="onLine"/>, one at a time.</summary>
    /// <remarks>Cancelling asks it to stop and waits for that up to a minute: a package manager must not be torn away.</remarks>
    /// <param name="spec">What to run.</param>
    /// <param name="onLine">Gets its output.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancel">Asks it to stop.</param>
    /// <param name="stateFolder">The state folder that it works on: when this process is killed, the next host ends it (see <see cref="Orphans"/>).</param>
    /// <exception cref="RuntimeException">The program is missing.</exception>
    public static async Task<int> RunAsync(ProcessSpec spec, Action<string> onLine, TimeProvider time, CancellationToken cancel, string? stateFolder = null)
    {
        var program = Programs.Find(spec.FileName, spec.WorkingDirectory)
            ?? throw new RuntimeException(RuntimeFailure.Machine, $"{spec.Name}: no program '{spec.FileName}' on this machine");
        using var process = Process.Start(Launch.Prepare(spec, program, stateFolder))!;
        process.StandardInput.Close();
        process.StandardError.Close();
        using var stopReading = new CancellationTokenSource();
        var output = OutputReader.RunAsync(process.StandardOutput.BaseStream, onLine, time, stopReading.Token);
        try
        {
            await process.WaitForExitAsync(cancel);
        }
        catch (OperationCanceledException)
        {
            _ = Signals.Send(process.Id, spec.StopSignal);
            using var limit = new CancellationTokenSource(StopWait, time);
            await process.WaitForExitAsync(limit.Token);
            throw;
        }
        finally
        {
            stopReading.CancelAfter(TimeSpan.FromSeconds(1)); // a daemon it started may hold the pipe
            await output;
        }

        return process.ExitCode;
    }
}
