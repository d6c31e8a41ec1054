using Tenfold.Cli.Hosting;
using Tenfold.Runtime.Logs;

namespace Tenfold.Cli.Tests.Hosting;

public sealed class HostLogTests
{
    [Fact]
    public async Task It_is_emptied_in_place_so_that_who_writes_and_who_reads_it_go_on()
    {
        using var shell = new TestShell();
        var log = shell.Write("host.log", "");
        using var reader = new FollowedFile(log);
        await using var writer = new StreamWriter(new FileStream(log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) { AutoFlush = true };
        await writer.WriteLineAsync("first");
        Assert.Equal(["first"], reader.ReadNew());

        HostLog.Rotate(log, largest: 100);
        Assert.False(File.Exists(log + ".1"));
        HostLog.Rotate(log, largest: 5);
        Assert.Equal("first\n", await File.ReadAllTextAsync(log + ".1"));
        Assert.Empty(reader.ReadNew());
        using (var shellsAppend = new FileStream(log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
        {
            shellsAppend.Write("2\n"u8);
        }

        Assert.Equal(["2"], reader.ReadNew());
    }
}
