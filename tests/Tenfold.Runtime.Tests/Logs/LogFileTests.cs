using Tenfold.Runtime.Logs;

namespace Tenfold.Runtime.Tests.Logs;

public sealed class LogFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Lines_stand_in_the_file_in_order_with_time_and_stream()
    {
        await using (var log = new LogFile(_folder["api-1.log"], TimeProvider.System))
        {
            log.Write(LogOrigin.Out, "hello");
            log.Write(LogOrigin.Host, "world");
        }

        var lines = File.ReadAllLines(_folder["api-1.log"]).Select(line => LogLine.Parse(line)).ToArray();
        Assert.Equal([(LogOrigin.Out, "hello"), (LogOrigin.Host, "world")], lines.Select(line => (line.Origin, line.Text)));
        Assert.All(lines, line => Assert.InRange(line.Time, TimeProvider.System.GetUtcNow().AddMinutes(-1), TimeProvider.System.GetUtcNow()));
    }

    [Fact]
    public async Task It_rotates_by_size_and_keeps_so_many_files()
    {
        await using (var log = new LogFile(_folder["api-1.log"], TimeProvider.System, new LogLimits(Bytes: 200_000, Files: 3, Queue: 100_000)))
        {
            for (var i = 0; i < 20_000; i++)
            {
                log.Write(LogOrigin.Out, $"line {i} {new string('x', 40)}");
            }
        }

        Assert.Equal(["api-1.log", "api-1.log.1", "api-1.log.2"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName).Order());
        Assert.All(Directory.GetFiles(_folder.Path), file => Assert.InRange(new FileInfo(file).Length, 0, 300_000));
        var last = LogReader.Last(_folder.Path, "api", 3000);
        Assert.Equal(Enumerable.Range(17_000, 3000).Select(i => $"line {i} {new string('x', 40)}"), last.Select(line => line.Line.Text));
    }

    [Fact]
    public async Task A_disk_that_takes_nothing_stops_nobody_and_the_loss_is_counted()
    {
        var warnings = new List<string>();
        File.CreateSymbolicLink(_folder["api-1.log"], "/dev/full");
        LogFile log;
        await using (log = new LogFile(_folder["api-1.log"], TimeProvider.System, warn: warnings.Add))
        {
            log.Write(LogOrigin.Out, "one");
            log.Write(LogOrigin.Out, "two");
            Assert.Equal(["one", "two"], log.Tail(10));
        }

        Assert.Equal(2, log.Dropped);
        Assert.Contains("lines are dropped", Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void A_huge_line_is_cut_and_a_line_break_inside_cannot_forge_a_line()
    {
        var text = new LogLine(default, LogOrigin.Out, "a\nb" + new string('x', 100_000)).ToString();
        Assert.DoesNotContain('\n', text);
        Assert.InRange(text.Length, LogLine.Longest, LogLine.Longest + 100);
        Assert.EndsWith("more characters)", text, StringComparison.Ordinal);
    }
}
