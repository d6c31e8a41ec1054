using System.Diagnostics;
using Tenfold.Runtime.Cgroups;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Tests.Processes;

public sealed class OrphansTests
{
    [Fact]
    public async Task Nothing_is_left_of_a_host_that_was_killed()
    {
        await using var temporary = new TemporaryState();
        var state = SystemState.At(temporary.State.Folder, "orphans");
        using var host = StartHost(state);
        Assert.Equal("ready", await host.StandardOutput.ReadLineAsync().WaitAsync(Limits.Wait));
        Assert.Equal(host.Id, HostLock.Owner(state)?.Pid);
        Assert.Null(await HostLock.TryTakeAsync(state, TimeProvider.System, default));

        host.Kill();
        await host.WaitForExitAsync().WaitAsync(Limits.Wait);
        Assert.Null(HostLock.Owner(state));
        Assert.Equal(3, Marked(state)); // the shell, its child, and the one that left the session

        using var hostLock = await HostLock.TryTakeAsync(state, TimeProvider.System, default);
        Assert.NotNull(hostLock);
        var ended = await Orphans.EndAsync(state, TimeSpan.FromMilliseconds(200), TimeProvider.System);
        Assert.Contains(ended, one => one is { Name: "stubborn", Killed: true });
        Assert.Equal(0, Marked(state));
        Assert.Empty(Directory.EnumerateFiles(state.Run));
        if (CgroupLayout.OfThisProcess().Memory is { } memory)
        {
            Assert.False(Directory.Exists(Path.Combine(memory, "tenfold", $"orphans-{state.Key}")));
        }
    }

    [Fact]
    public async Task A_tool_that_works_on_the_state_folder_is_ended_too()
    {
        await using var temporary = new TemporaryState();
        var initdb = Tool.RunAsync(
            new ProcessSpec { Name = "initdb of main", FileName = "sleep", Arguments = ["1000"], WorkingDirectory = "/", InheritEnvironment = false },
            _ => { }, TimeProvider.System, default, temporary.State.Folder);
        Assert.Single(await Orphans.EndAsync(temporary.State, TimeSpan.FromSeconds(5), TimeProvider.System));
        Assert.Equal(143, await initdb.WaitAsync(Limits.Wait));
    }

    [Fact]
    public async Task A_process_that_starts_another_one_as_its_last_act_leaves_nothing()
    {
        await using var temporary = new TemporaryState();
        var lines = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var state = temporary.State;
        await using var child = ChildProcess.Start(
            new ProcessSpec
            {
                Name = "stubborn",
                FileName = "sh",
                Arguments = ["-c", "trap 'setsid sleep 1000 & echo $!; exit' TERM; echo ready; while :; do sleep 0.02; done"],
                WorkingDirectory = "/",
            },
            state, lines.Enqueue, TimeProvider.System);
        await Limits.UntilAsync(() => !lines.IsEmpty, "the child's first line");
        await Orphans.EndAsync(state, TimeSpan.FromSeconds(5), TimeProvider.System);
        await child.Exited.WaitAsync(Limits.Wait);
        Assert.Null(ProcessIdentity.Of(int.Parse(lines.Last())));
    }

    [Fact]
    public async Task A_stale_pid_file_whose_number_is_in_use_harms_nobody()
    {
        await using var temporary = new TemporaryState();
        using var innocent = Process.Start("sleep", "1000");
        var later = ProcessIdentity.Of(innocent.Id)! with { StartTicks = 1 };
        new PidFile(later, Signal.Terminate, SignalGroup: true, []).Write(temporary.State.PidFile("api-1"));

        Assert.Empty(await Orphans.EndAsync(temporary.State, TimeSpan.FromSeconds(1), TimeProvider.System));
        Assert.NotNull(ProcessIdentity.Of(innocent.Id));
        Assert.False(File.Exists(temporary.State.PidFile("api-1")));
        innocent.Kill();
    }

    [Theory]
    [InlineData("")]
    [InlineData("process")]
    [InlineData("process 12")]
    [InlineData("garbage\0\n\n")]
    public async Task A_broken_pid_file_is_no_process(string content)
    {
        await using var temporary = new TemporaryState();
        var file = temporary.State.PidFile("x");
        await File.WriteAllTextAsync(file, content);
        Assert.Null(PidFile.Read(file));
    }

    /// <param name="state">Its state folder.</param>
    /// <param name="what">Nothing, or "stores".</param>
    /// <param name="user">Runs as this user.</param>
    internal static Process StartHost(SystemState state, string what = "", string? user = null)
    {
        var program = Programs.Find("dotnet")!;
        string[] command = [File.ResolveLinkTarget(program, returnFinalTarget: true)?.FullName ?? program, Path.Combine(AppContext.BaseDirectory, "Tenfold.Runtime.TestHost.dll"), state.Folder, what];
        if (user is not null)
        {
            command = ["setpriv", $"--reuid={SystemUser.Find(user)!.UserId}", $"--regid={SystemUser.Find(user)!.GroupId}", "--clear-groups", .. command];
        }

        return Process.Start(new ProcessStartInfo(command[0], command[1..]) { UseShellExecute = false, RedirectStandardOutput = true })!;
    }

    private static int Marked(SystemState state) => ProcessTable.All().Count(row =>
    {
        try
        {
            return row.IsRunning && File.ReadAllText($"/proc/{row.Pid}/environ").Contains($"TENFOLD_STATE_DIR={state.Folder}", StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });
}
