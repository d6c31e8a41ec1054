using System.Diagnostics;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Faults;

/// <summary>A process of the test host, to be killed.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private HostProcess(Process process) => (_process, _errors) = (process, process.StandardError.ReadToEndAsync());

    public bool HasExited => _process.HasExited;

    public static HostProcess Start(params string[] arguments) => new(Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Tenfold.Jobs.TestHost.dll"), .. arguments])
    {
        UseShellExecute = false,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        Environment = { ["DOTNET_TieredPGO"] = "0", ["DOTNET_DbgEnableMiniDump"] = "0" },
    })!);

    /// <summary>A worker, when it works.</summary>
    public static async Task<HostProcess> WorkAsync(string connectionString)
    {
        var host = Start("work", connectionString);
        var line = await host._process.StandardOutput.ReadLineAsync().WaitAsync(PostgresServer.Patience);
        Assert.True(line == "works", $"the worker said '{line}': {(line is null ? await host._errors : "")}");
        return host;
    }

    public Task ExitAsync() => _process.WaitForExitAsync().WaitAsync(PostgresServer.Patience);

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await ExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }
}
