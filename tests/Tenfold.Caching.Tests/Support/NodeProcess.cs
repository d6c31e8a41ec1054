using System.Diagnostics;

namespace Tenfold.Caching.Tests.Support;

/// <summary>A process of the test host.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    public NodeProcess(params string[] arguments)
    {
        var host = typeof(TestHost.CacheNode).Assembly.Location;
        _process = Process.Start(new ProcessStartInfo("dotnet", ["exec", host, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>Freezes it; one that has ended stays ended.</summary>
    public Task SuspendAsync() => SignalAsync("-STOP");

    public Task ResumeAsync() => SignalAsync("-CONT");

    public async Task ReadyAsync() => Assert.True(await LineAsync() == "ready", _process.HasExited ? await _errors : "no 'ready'");

    public Task SayAsync(string line) => _process.StandardInput.WriteLineAsync(line);

    public async Task<string?> LineAsync() => await _process.StandardOutput.ReadLineAsync().WaitAsync(Wait.Most);

    /// <summary>What it still printed; it must end with 0.</summary>
    public async Task<string> EndedAsync()
    {
        var printed = await _process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(3));
        await _process.WaitForExitAsync();
        Assert.True(_process.ExitCode == 0, await _errors);
        return printed;
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start(new ProcessStartInfo("kill", [signal, $"{_process.Id}"]) { UseShellExecute = false, RedirectStandardError = true })!;
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
