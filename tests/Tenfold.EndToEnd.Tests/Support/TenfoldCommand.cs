using System.Diagnostics;
using System.Text;

namespace Tenfold.EndToEnd.Tests.Support;

/// <summary>What one run of the command printed and returned.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Errors)
{
    public override string ToString() => $"exit code {ExitCode}\n--- stdout\n{Output}\n--- stderr\n{Errors}";
}

/// <summary>Runs the <c>./tenfold</c> of this checkout, as a user does, with a state folder of its own.</summary>
internal sealed class TenfoldCommand : IDisposable
{
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal);

    public TenfoldCommand()
    {
        StateFolder = Directory.CreateTempSubdirectory("tf-").FullName;
        // PostgreSQL runs as another user: it must be able to pass through.
        File.SetUnixFileMode(StateFolder, (UnixFileMode)0b111_101_101);
        _environment["TENFOLD_STATE"] = StateFolder;
    }

    public string StateFolder { get; }

    public string this[string variable]
    {
        set => _environment[variable] = value;
    }

    /// <summary>Runs to the end; a run that takes longer than the limit is killed and fails the test.</summary>
    public async Task<CommandResult> RunAsync(string[] arguments, TimeSpan? limit = null)
    {
        using var process = Start(arguments);
        using var timeout = new CancellationTokenSource(limit ?? TimeSpan.FromMinutes(5));
        var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
        var errors = process.StandardError.ReadToEndAsync(timeout.Token);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
            return new CommandResult(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"tenfold {string.Join(' ', arguments)} did not end in time.", e);
        }
    }

    /// <summary>Runs and expects 0.</summary>
    public async Task<CommandResult> SucceedAsync(params string[] arguments)
    {
        var result = await RunAsync(arguments);
        Assert.True(result.ExitCode == 0, $"tenfold {string.Join(' ', arguments)}: {result}");
        return result;
    }

    /// <summary>Runs a measurement; one that says of itself that the machine was too busy for it (4) is made again, twice at most.</summary>
    public async Task<CommandResult> MeasureAsync(params string[] arguments)
    {
        var result = await RunAsync(arguments);
        for (var again = 0; result.ExitCode == 4 && again < 2; again++)
        {
            result = await RunAsync(arguments);
        }

        return result;
    }

    public Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Repository.Root, "tenfold"))
        {
            WorkingDirectory = Repository.Root,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in _environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>Every process whose environment or command line names this state folder.</summary>
    public IReadOnlyList<string> ProcessesLeft()
    {
        var left = new List<string>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var pid) || pid == Environment.ProcessId)
            {
                continue;
            }

            var commandLine = ReadOrEmpty(Path.Combine(folder, "cmdline")).Replace('\0', ' ');
            if (commandLine.Contains(StateFolder, StringComparison.Ordinal) ||
                ReadOrEmpty(Path.Combine(folder, "environ")).Contains(StateFolder, StringComparison.Ordinal))
            {
                left.Add($"{pid} {commandLine}");
            }
        }

        return left;
    }

    public void Dispose()
    {
        foreach (var entry in ProcessesLeft())
        {
            try
            {
                using var process = Process.GetProcessById(int.Parse(entry.Split(' ')[0]));
                process.Kill();
                process.WaitForExit(5000);
            }
            catch (Exception e) when (e is ArgumentException or InvalidOperationException)
            {
                // It has ended meanwhile.
            }
        }

        Directory.Delete(StateFolder, recursive: true);
    }

    private static string ReadOrEmpty(string file)
    {
        try
        {
            return File.ReadAllText(file, Encoding.Latin1);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
