using System.Collections.Concurrent;
using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Tests.Processes;

public sealed class ChildProcessTests
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<string> _lines = new();

    [Fact]
    public async Task Output_of_both_streams_comes_line_by_line_and_in_order()
    {
        await using var temporary = new TemporaryState();
        await using var child = Start(temporary, "echo one; echo two >&2; printf 'three\\r\\n'; printf four");
        Assert.Equal(0, await child.Exited.WaitAsync(Limits.Wait));
        Assert.Equal(["one", "two", "three", "four"], _lines);
        Assert.False(File.Exists(temporary.State.PidFile("child")));
    }

    [Theory]
    [InlineData("exit 7", 7)]
    [InlineData("kill -9 $$", 137)]
    [InlineData("kill -TERM $$", 143)]
    public async Task The_exit_code_tells_a_signal_too(string script, int code)
    {
        await using var temporary = new TemporaryState();
        await using var child = Start(temporary, script);
        Assert.Equal(code, await child.Exited.WaitAsync(Limits.Wait));
    }

    [Fact]
    public async Task A_very_long_line_is_cut_with_its_length()
    {
        await using var temporary = new TemporaryState();
        await using var child = Start(temporary, "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end");
        await child.Exited.WaitAsync(Limits.Wait);
        Assert.Equal(2, _lines.Count);
        Assert.Contains("(line of 3000000 bytes, cut)", _lines.First(), StringComparison.Ordinal);
        Assert.InRange(_lines.First().Length, OutputReader.LongestLine, OutputReader.LongestLine + 100);
        Assert.Equal("end", _lines.Last());
    }

    [Fact]
    public async Task A_consumer_that_hangs_does_not_stop_the_child()
    {
        await using var temporary = new TemporaryState();
        using var hang = new ManualResetEventSlim();
        await using var child = ChildProcess.Start(Shell("i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; exit 3"), temporary.State, line =>
        {
            hang.Wait();
            _lines.Enqueue(line);
        }, TimeProvider.System);
        await Limits.UntilAsync(() => !child.Identity.IsAlive, "the child to end in spite of its reader");
        hang.Set();
        Assert.Equal(3, await child.Exited.WaitAsync(Limits.Wait));
        Assert.Contains(_lines, line => line.Contains("lines dropped", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stopping_ends_a_child_that_listens_with_its_own_exit_code()
    {
        await using var temporary = new TemporaryState();
        await using var child = Start(temporary, "trap 'echo bye; exit 5' TERM; echo started; while :; do sleep 0.05; done");
        await Limits.UntilAsync(() => _lines.Contains("started"), "the child's first line");
        Assert.Equal(5, await child.StopAsync(Grace));
        Assert.Contains("bye", _lines);
    }

    [Fact]
    public async Task Stopping_kills_a_child_that_does_not_listen_and_all_it_started()
    {
        await using var temporary = new TemporaryState();
        await using var child = Start(temporary, "trap '' TERM; sleep 1000 & echo $!; wait; wait");
        await Limits.UntilAsync(() => !_lines.IsEmpty, "the child's first line");
        var grandchild = int.Parse(_lines.First());
        Assert.Equal(137, await child.StopAsync(TimeSpan.FromMilliseconds(100)));
        await Limits.UntilAsync(() => ProcessIdentity.Of(grandchild) is null, "the grandchild to be gone");
    }

    [Fact]
    public async Task A_stopped_child_can_be_stopped_for_good()
    {
        await using var temporary = new TemporaryState();
        await using var child = Start(temporary, "echo started; sleep 1000");
        await Limits.UntilAsync(() => !_lines.IsEmpty, "the child's first line");
        child.Signal(Signal.Stop);
        Assert.Equal(143, await child.StopAsync(Grace));
    }

    [Fact]
    public async Task A_child_that_does_not_listen_gets_the_firm_signal_before_it_is_killed()
    {
        await using var temporary = new TemporaryState();
        await using var child = ChildProcess.Start(
            Shell("trap '' TERM; trap 'exit 9' QUIT; echo started; while :; do sleep 0.05; done") with { FirmSignal = Signal.Quit },
            temporary.State, _lines.Enqueue, TimeProvider.System);
        await Limits.UntilAsync(() => !_lines.IsEmpty, "the child's first line");
        Assert.Equal(9, await child.StopAsync(TimeSpan.FromMilliseconds(50)));
    }

    [Fact]
    public async Task Quiet_children_hold_no_thread_each()
    {
        await using var temporary = new TemporaryState();
        var children = Enumerable.Range(0, 40).Select(i =>
            ChildProcess.Start(Shell("echo started; exec sleep 1000") with { Name = $"child-{i}" }, temporary.State, _lines.Enqueue, TimeProvider.System)).ToList();
        await Limits.UntilAsync(() => _lines.Count == 40, "every child's first line");
        var threads = int.Parse((await File.ReadAllLinesAsync("/proc/self/status")).First(line => line.StartsWith("Threads:", StringComparison.Ordinal)).Split('\t')[1]);
        foreach (var child in children)
        {
            await child.DisposeAsync();
        }

        Assert.True(threads < 60, $"{threads} threads with 40 children that say nothing");
    }

    [Fact]
    public async Task What_a_crashed_child_leaves_running_is_killed()
    {
        await using var temporary = new TemporaryState();
        await using var child = Start(temporary, "sleep 1000 & echo $!; exit 1");
        Assert.Equal(1, await child.Exited.WaitAsync(Limits.Wait));
        var left = int.Parse(_lines.First());
        await Limits.UntilAsync(() => ProcessIdentity.Of(left) is null, "its end"); // the signal was sent; on a busy machine it is not dead at once
    }

    [Fact]
    public async Task A_child_leads_its_own_session_has_no_input_and_knows_its_state_folder()
    {
        await using var temporary = new TemporaryState();
        await using var child = Start(temporary, "read line; echo \"$line|$TENFOLD_STATE_DIR|$EXTRA\"; cut -d' ' -f6 /proc/self/stat; echo $$");
        await child.Exited.WaitAsync(Limits.Wait);
        Assert.Equal([$"|{temporary.State.Folder}|it's", $"{child.Pid}", $"{child.Pid}"], _lines);
    }

    [Fact]
    public async Task A_child_runs_as_another_user()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root may change the user");
        await using var temporary = new TemporaryState();
        await using var child = ChildProcess.Start(Shell("id -un; id -gn") with { RunAs = SystemUser.Find("nobody") }, temporary.State, _lines.Enqueue, TimeProvider.System);
        await child.Exited.WaitAsync(Limits.Wait);
        Assert.Equal(["nobody", "nogroup"], _lines);
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_named()
    {
        await using var temporary = new TemporaryState();
        var error = Assert.Throws<RuntimeException>(() => ChildProcess.Start(Shell("") with { FileName = "no-such-program" }, temporary.State, _ => { }, TimeProvider.System));
        Assert.Contains("'no-such-program'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_working_folder_that_is_not_there_is_named()
    {
        await using var temporary = new TemporaryState();
        var error = Assert.Throws<RuntimeException>(() => ChildProcess.Start(Shell("") with { WorkingDirectory = "/no/such/folder" }, temporary.State, _ => { }, TimeProvider.System));
        Assert.Contains("/no/such/folder", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pid_file_that_cannot_be_written_keeps_no_child_from_running()
    {
        await using var temporary = new TemporaryState();
        Directory.CreateDirectory($"{temporary.State.PidFile("child")}.{Environment.ProcessId}.tmp"); // as on a full disk: the write fails
        await using var child = Start(temporary, "echo runs");
        Assert.Equal(0, await child.Exited.WaitAsync(Limits.Wait));
        Assert.Equal(["runs"], _lines);
    }

    [Fact]
    public async Task A_child_can_be_killed_from_its_first_moment_on()
    {
        await using var temporary = new TemporaryState();
        for (var i = 0; i < 10; i++)
        {
            await using var child = Start(temporary, "sleep 1000");
            child.Kill(); // it leads no group yet
            Assert.Equal(137, await child.Exited.WaitAsync(Limits.Wait));
        }
    }

    private ChildProcess Start(TemporaryState temporary, string script) =>
        ChildProcess.Start(Shell(script), temporary.State, _lines.Enqueue, TimeProvider.System);

    private static ProcessSpec Shell(string script) => new()
    {
        Name = "child",
        FileName = "sh",
        Arguments = ["-c", script],
        WorkingDirectory = "/",
        Environment = new Dictionary<string, string> { ["EXTRA"] = "it's" },
    };
}
