using System.Diagnostics;
using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Tests.Shards;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Postgres.Tests.Moves;

/// <summary>A mover that runs as a process of its own, to be killed.</summary>
internal sealed class MoverProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private MoverProcess(Process process) => (_process, _errors) = (process, process.StandardError.ReadToEndAsync());

    /// <summary>Starts moving all buckets to database 1.</summary>
    /// <param name="layout">The databases.</param>
    /// <param name="buckets">How many buckets there are.</param>
    /// <param name="waitAfter">The step after which it waits to be killed; null: none.</param>
    public static MoverProcess Start(ShardLayout layout, int buckets, MoveStep? waitAfter) => new(Process.Start(new ProcessStartInfo(
        "dotnet",
        [Path.Combine(AppContext.BaseDirectory, "Tenfold.Postgres.TestHost.dll"), "move", layout.ConnectionStrings[0], layout.ConnectionStrings[1], $"{buckets}", waitAfter is { } step ? $"{(int)step}" : "0"])
    {
        UseShellExecute = false,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        Environment = { ["DOTNET_TieredPGO"] = "0" },
    })!);

    /// <summary>Waits for a line that begins so.</summary>
    public async Task ReachAsync(string text)
    {
        var line = await _process.StandardOutput.ReadLineAsync().WaitAsync(PostgresServer.Patience);
        Assert.True(line?.StartsWith(text, StringComparison.Ordinal) == true, $"the mover said '{line}' instead of '{text}': {(line is null ? await _errors : "")}");
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync().WaitAsync(PostgresServer.Patience);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
