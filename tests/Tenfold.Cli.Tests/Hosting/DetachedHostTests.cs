using System.Diagnostics;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Hosting;
using Tenfold.Runtime.Control;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Tests.Hosting;

public sealed class DetachedHostTests
{
    [Fact]
    public async Task A_host_whose_last_line_the_disk_did_not_take_is_up_when_it_says_so_itself()
    {
        using var shell = new TestShell();
        var progress = shell.Write("progress.json", "");
        using var output = new StringWriter();
        var surroundings = new Shell
        {
            Out = output, Error = TextWriter.Null, Interactive = false, Folder = shell.Folder, Repository = null, Environment = _ => null, Time = new HastyClock(),
        };
        var state = SystemState.At(Path.Combine(shell.State, "shop"), "shop");
        using var host = Process.Start("sleep", "600");
        try
        {
            using var events = EventPrinter.Plain(surroundings);
            var up = new SystemStatus { System = "shop", State = "up", Pid = host.Id, StateFolder = state.Folder };
            var code = await DetachedHost.RelayAsync(surroundings, state, host, progress, _ => Task.FromResult<SystemStatus?>(up), events, CancellationToken.None);
            Assert.Equal((ExitCode.Fine, "shop is up\n"), (code, output.ToString()));
        }
        finally
        {
            host.Kill();
        }
    }

    /// <summary>Three seconds pass between any two looks at it.</summary>
    private sealed class HastyClock : TimeProvider
    {
        private long _looks;

        public override long GetTimestamp() => Interlocked.Increment(ref _looks) * TimestampFrequency * 3;
    }
}
