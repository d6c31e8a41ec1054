using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace Rez.Tests.Imports;

/// <summary>rez as the service <c>worker</c> of its guide: a process of its own, which can be killed.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private readonly Process _process;

    public WorkerProcess(IReadOnlyList<string> connectionStrings)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "rez.dll"), "--Logging:LogLevel:Default=Error"]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.Environment["TENFOLD_GUIDE"] = Path.Combine(Path.GetDirectoryName(SchemaFiles.Folder)!, "tenfold.yaml");
        start.Environment["TENFOLD_SERVICE"] = "worker";
        start.Environment["ASPNETCORE_URLS"] = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}");
        for (var i = 0; i < connectionStrings.Count; i++)
        {
            start.Environment[i == 0 ? "ConnectionStrings__main" : $"ConnectionStrings__main_{i}"] = connectionStrings[i];
        }

        _process = Process.Start(start)!;
        // What it says is read so that it is never kept waiting, and shown when a test fails.
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) => Add(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Output { get; private set; } = "";

    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void Add(string? line)
    {
        lock (_process)
        {
            Output += line is null || Output.Length > 100_000 ? "" : line + "\n";
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
