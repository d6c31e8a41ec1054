using System.ComponentModel;
using System.Diagnostics;
using Tenfold.Runtime;
using Tenfold.Runtime.Instances;

namespace Tenfold.Cli.Edge;

/// <summary>Runs a command of a service, as its instances are run.</summary>
internal static class ServiceCommand
{
    /// <summary>Runs it on this terminal: input, output and Ctrl-C are its own.</summary>
    /// <returns>Its exit code; 128 + N when signal N ended it.</returns>
    /// <exception cref="RuntimeException">It cannot be started.</exception>
    public static async Task<int> RunAsync(ServiceLaunch launch, IReadOnlyList<string> args, CancellationToken hurry)
    {
        using var process = Start(launch, args, captured: false);
        return await EndAsync(process, hurry);
    }

    /// <summary>Runs it for what it prints.</summary>
    /// <returns>Its exit code and output; what it says on stderr goes to the terminal.</returns>
    /// <exception cref="RuntimeException">It cannot be started.</exception>
    public static async Task<(int Code, string Output)> ReadAsync(ServiceLaunch launch, IReadOnlyList<string> args, CancellationToken cancel)
    {
        using var process = Start(launch, args, captured: true);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None); // ends with the process
        var code = await EndAsync(process, cancel);
        cancel.ThrowIfCancellationRequested();
        return (code, await output);
    }

    private static Process Start(ServiceLaunch launch, IReadOnlyList<string> args, bool captured)
    {
        string[] line = [.. launch.Program, .. args];
        var start = new ProcessStartInfo(line[0], line[1..]) { WorkingDirectory = launch.WorkingDirectory, UseShellExecute = false, RedirectStandardOutput = captured };
        foreach (var (name, value) in launch.Environment)
        {
            start.Environment[name] = value;
        }

        try
        {
            return Process.Start(start)!;
        }
        catch (Exception e) when (e is Win32Exception or IOException)
        {
            throw new RuntimeException(RuntimeFailure.Machine, $"{line[0]} cannot be started in {launch.WorkingDirectory}: {e.Message}", e);
        }
    }

    private static async Task<int> EndAsync(Process process, CancellationToken hurry)
    {
        await using (hurry.UnsafeRegister(static one => ((Process)one!).Kill(entireProcessTree: true), process))
        {
            await process.WaitForExitAsync(CancellationToken.None);
        }

        return process.ExitCode;
    }
}
