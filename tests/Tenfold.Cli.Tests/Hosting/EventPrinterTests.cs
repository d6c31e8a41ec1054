using Tenfold.Cli.Edge;
using Tenfold.Cli.Hosting;
using Tenfold.Runtime.Host;

namespace Tenfold.Cli.Tests.Hosting;

public sealed class EventPrinterTests
{
    [Fact]
    public void A_terminal_that_was_closed_ends_neither_the_telling_nor_the_waiting()
    {
        var time = new ManualTimers();
        using var printer = EventPrinter.Plain(new Shell
        {
            Out = new ClosedTerminal(),
            Error = TextWriter.Null,
            Interactive = true,
            Folder = "/",
            Repository = null,
            Environment = _ => null,
            Time = time,
        });
        printer.Print(new HostEvent(HostEventKind.Note, "something happened"));
        printer.Print(new HostEvent(HostEventKind.Begun, "stop"));
        Assert.Single(time.Callbacks)(); // 10 s later
    }

    private sealed class ClosedTerminal : StringWriter
    {
        public override void WriteLine(string? value) => throw new IOException("Input/output error");
    }

    private sealed class ManualTimers : TimeProvider
    {
        public List<Action> Callbacks { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Callbacks.Add(() => callback(state));
            return base.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
