using FsCheck;
using FsCheck.Fluent;
using Tenfold.Guide;
using Tenfold.Runtime.Cgroups;
using Tenfold.Runtime.Processes;

namespace Tenfold.Runtime.Tests.Cgroups;

public sealed class CgroupTests
{
    private const string V1 = """
        31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
        """;

    [Fact]
    public void The_hybrid_layout_is_version_1()
    {
        var layout = CgroupLayout.Parse(V1, "4:memory:/jobs/7\n2:cpu,cpuacct:/\n0::/\n", _ => "");
        Assert.Equal(new CgroupLayout(null, null, "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory/jobs/7"), layout);
    }

    [Fact]
    public void The_unified_layout_is_version_2()
    {
        var layout = CgroupLayout.Parse(
            "25 1 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot",
            "0::/user.slice/user-1000.slice/session-3.scope\n",
            _ => "cpuset cpu io memory pids");
        Assert.Equal(new CgroupLayout("/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope", "/sys/fs/cgroup", null, null, null), layout);
    }

    [Theory]
    [InlineData("/", "/a/b", "/m/a/b")]
    [InlineData("/docker/1", "/docker/1", "/m")]
    [InlineData("/docker/1", "/docker/1/x", "/m/x")]
    [InlineData("/docker/1", "/docker/12", "/m")]
    [InlineData("/", "/../x", "/m")]
    [InlineData("/", "/", "/m")]
    public void A_group_is_found_below_what_is_mounted(string root, string group, string folder) =>
        Assert.Equal(folder, new CgroupMount("/m", root, 2, []).FolderOf(group));

    [Fact]
    public void Spaces_in_a_mount_point_are_read()
    {
        Assert.True(CgroupMount.TryParse(@"35 31 0:32 / /mnt/my\040groups rw - cgroup cgroup rw,memory", out var mount));
        Assert.Equal("/mnt/my groups", mount.MountPoint);
        Assert.Equal(["memory"], mount.Controllers);
    }

    [Fact]
    public void Any_text_is_read_or_refused_without_an_exception() =>
        Prop.ForAll<string?, string?>((a, b) => CgroupLayout.Parse($"{a} - cgroup cgroup {b}\n{a}", $"0::{a}\n{b}:{a}", _ => b ?? "") is not null).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("usage_usec 12\nthrottled_usec 34", "throttled_usec", 34)]
    [InlineData("oom 5\noom_kill 2\n", "oom_kill", 2)]
    [InlineData("oom_kill_disable 0\nunder_oom 0\noom_kill 3", "oom_kill", 3)]
    [InlineData("", "oom_kill", 0)]
    public void A_value_is_found_by_its_whole_key(string text, string key, long value) => Assert.Equal(value, CgroupFolder.Value(text, key));

    [Fact]
    public async Task A_version_2_group_gets_its_limits_and_is_read()
    {
        await using var temporary = new TemporaryState();
        var root = Directory.CreateDirectory(Path.Combine(temporary.State.Folder, "fs")).FullName;
        var own = Directory.CreateDirectory(Path.Combine(root, "user.slice", "shell.scope")).FullName;
        await File.WriteAllTextAsync(Path.Combine(root, "user.slice", "cgroup.controllers"), "cpu io memory");
        await File.WriteAllTextAsync(Path.Combine(root, "user.slice", "cgroup.subtree_control"), "");

        var size = new InstanceSize { Cpu = new Cpu(250), Memory = ByteSize.FromMebibytes(64) };
        var (group, reason) = await Cgroup.TryCreateAsync(temporary.State, "api-1", size, TimeProvider.System, default, new CgroupLayout(own, root, null, null, null));
        Assert.Null(reason);
        var folder = Path.Combine(root, "user.slice", "tenfold", $"probe-{temporary.State.Key}", "api-1");
        Assert.Equal([folder], group!.Folders);
        Assert.Equal("25000 100000", await File.ReadAllTextAsync(Path.Combine(folder, "cpu.max")));
        Assert.Equal("67108864", await File.ReadAllTextAsync(Path.Combine(folder, "memory.max")));
        Assert.False(File.Exists(Path.Combine(folder, "memory.swap.max"))); // not there on a kernel without swap accounting
        foreach (var above in (string[])["user.slice", "user.slice/tenfold", $"user.slice/tenfold/probe-{temporary.State.Key}"])
        {
            Assert.Equal("+cpu +memory", await File.ReadAllTextAsync(Path.Combine(root, above, "cgroup.subtree_control")));
        }

        await File.WriteAllTextAsync(Path.Combine(folder, "cpu.stat"), "usage_usec 1500000\nthrottled_usec 250000\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "memory.current"), "5000\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "memory.stat"), "anon 1\ninactive_file 2000\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "memory.events"), "oom 3\noom_kill 1\n");
        Assert.Equal(new ResourceUsage(TimeSpan.FromSeconds(1.5), 3000, TimeSpan.FromMilliseconds(250), 1), group.Usage());
    }

    [Fact]
    public async Task Without_the_controllers_there_is_a_reason()
    {
        await using var temporary = new TemporaryState();
        var own = temporary.State.Folder;
        var (group, reason) = await Cgroup.TryCreateAsync(temporary.State, "api-1", new InstanceSize(), TimeProvider.System, default, new CgroupLayout(own, own, null, null, null));
        Assert.Null(group);
        Assert.Contains("has not both of the cpu and memory controllers", reason, StringComparison.Ordinal);
        (group, reason) = await Cgroup.TryCreateAsync(temporary.State, "api-1", new InstanceSize(), TimeProvider.System, default, new CgroupLayout(null, null, null, null, null));
        Assert.Null(group);
        Assert.Contains("no cgroup hierarchy", reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_processor_limit_holds_and_is_told()
    {
        await using var temporary = new TemporaryState();
        var group = await RealAsync(temporary, new InstanceSize { Cpu = new Cpu(200) });
        // Spins for 0.2 s of processor time, which at a fifth of a core takes a second.
        await using var child = Start(temporary, group, "i=0; while [ $(awk '{print $14+$15}' /proc/$$/stat) -lt 20 ]; do :; done");
        await child.Exited.WaitAsync(Limits.Wait);
        var usage = child.Usage();
        Assert.InRange(usage.CpuTime, TimeSpan.FromSeconds(0.15), TimeSpan.FromSeconds(20));
        Assert.True(usage.Throttled > TimeSpan.FromSeconds(0.2), $"throttled {usage.Throttled}");
        Assert.True(await group.RemoveAsync(TimeProvider.System));
        Assert.All(group.Folders, folder => Assert.False(Directory.Exists(folder)));
    }

    [Fact]
    public async Task The_groups_above_the_instances_do_not_weigh_as_one_thread_only()
    {
        await using var temporary = new TemporaryState();
        var group = await RealAsync(temporary, new InstanceSize { Cpu = new Cpu(500) });
        var shares = group.Folders.Select(folder => Path.Combine(folder, "..", "cpu.shares")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(shares is null, "version 2: groups weigh against groups");
        Assert.Equal($"{8 * 1024 * Environment.ProcessorCount}\n", await File.ReadAllTextAsync(shares));
        Assert.True(await group.RemoveAsync(TimeProvider.System));
    }

    [Fact]
    public async Task Over_its_memory_a_child_is_killed_and_that_is_told()
    {
        await using var temporary = new TemporaryState();
        var group = await RealAsync(temporary, new InstanceSize { Memory = ByteSize.FromMebibytes(16) });
        await using var child = Start(temporary, group, "exec dd if=/dev/zero of=/dev/null bs=100M count=1");
        Assert.Equal(137, await child.Exited.WaitAsync(Limits.Wait));
        Assert.True(group.Usage().OutOfMemoryKills > 0);
        await group.RemoveAsync(TimeProvider.System);
    }

    [Fact]
    public async Task A_group_left_by_an_earlier_run_is_replaced()
    {
        await using var temporary = new TemporaryState();
        var first = await RealAsync(temporary, new InstanceSize());
        await using var child = Start(temporary, first, "sleep 1000");
        await Limits.UntilAsync(() => CgroupFolder.Processes(first.Folders[0]).Contains(child.Pid), "the child to be in its group");
        await RealAsync(temporary, new InstanceSize());
        Assert.Equal(137, await child.Exited.WaitAsync(Limits.Wait));
    }

    [Fact]
    public async Task Without_a_group_usage_is_summed_over_the_session()
    {
        await using var temporary = new TemporaryState();
        await using var child = Start(temporary, null, "sleep 1000 & sleep 1000");
        await Limits.UntilAsync(() => child.Usage().MemoryBytes > 200_000, "memory of the session");
        Assert.Equal(0, child.Usage().OutOfMemoryKills);
    }

    private static async Task<Cgroup> RealAsync(TemporaryState temporary, InstanceSize size)
    {
        var (group, reason) = await Cgroup.TryCreateAsync(temporary.State, "probe", size, TimeProvider.System, default);
        Assert.SkipWhen(group is null, reason ?? "");
        return group!;
    }

    private static ChildProcess Start(TemporaryState temporary, Cgroup? group, string script) => ChildProcess.Start(
        new ProcessSpec { Name = "probe", FileName = "sh", Arguments = ["-c", script], WorkingDirectory = "/", Cgroup = group },
        temporary.State, _ => { }, TimeProvider.System);
}
