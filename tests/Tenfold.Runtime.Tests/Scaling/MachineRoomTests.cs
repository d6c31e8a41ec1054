using Tenfold.Guide;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Tests.Scaling;

public sealed class MachineRoomTests
{
    private const long Gibibyte = 1L << 30;
    private static readonly Machine Idle = new(Cores: 2, MemoryBytes: 20 * Gibibyte, AvailableBytes: 20 * Gibibyte);
    private static readonly InstanceSize Half = new() { Memory = ByteSize.FromMebibytes(512), Cpu = new Cpu(500) };

    [Fact]
    public void Processor_shares_are_given_four_times()
    {
        var room = MachineRoom.Of(Idle, Half, there: 2, starting: 0, own: new Claim(1000, 0), others: new Claim(2000, 0));
        Assert.Equal(10, room!.Value.Instances); // (8 cores - 3) / 0.5
        Assert.Equal("500m of processor an instance, 2 cores on this machine, of which 4000m are promised already (2000m to other systems) and at most 4 times are given", room.Value.Why);
    }

    [Fact]
    public void Memory_is_given_once_without_a_reserve()
    {
        var room = MachineRoom.Of(Idle, new InstanceSize { Memory = ByteSize.FromMebibytes(1024) }, there: 3, starting: 0, own: new Claim(0, 5 * Gibibyte), others: new Claim(0, 4 * Gibibyte));
        Assert.Equal(10, room!.Value.Instances); // 19 - 9
        Assert.Equal("1.0 GiB of memory an instance, 20.0 GiB on this machine, of which 12.0 GiB are promised already (4.0 GiB to other systems)", room.Value.Why);
    }

    [Fact]
    public void What_other_programs_use_is_not_there_and_what_starts_is_still_to_come()
    {
        var room = MachineRoom.Of(Idle with { AvailableBytes = 4 * Gibibyte }, Half, there: 5, starting: Gibibyte, own: Claim.None, others: Claim.None);
        Assert.Equal(9, room!.Value.Instances); // 5 + (4 - 1 - 1) / 0.5
        Assert.Equal("512 MiB of memory an instance, 3.0 GiB of 20.0 GiB free", room.Value.Why);
    }

    [Fact]
    public void What_is_there_stays_on_a_machine_that_is_full()
    {
        var full = Idle with { AvailableBytes = 0 };
        Assert.Equal(7, MachineRoom.Of(full, Half, 7, 0, new Claim(90_000, 90 * Gibibyte), Claim.None)!.Value.Instances);
        Assert.Equal(7, MachineRoom.Of(full, new InstanceSize(), 7, 0, Claim.None, Claim.None)!.Value.Instances);
    }

    [Fact]
    public void Without_limits_nothing_but_free_memory_is_looked_at()
    {
        Assert.Null(MachineRoom.Of(Idle, new InstanceSize(), 7, 0, Claim.None, Claim.None));
        Assert.Null(MachineRoom.Of(Idle with { AvailableBytes = null }, new InstanceSize(), 7, 0, Claim.None, Claim.None));
    }

    [Fact]
    public void Stores_are_promised_memory_for_each_server()
    {
        var guide = new SystemGuide
        {
            System = "x",
            Stores = new Dictionary<string, Store>
            {
                ["main"] = new() { Engine = StoreEngine.Postgres, Shards = 4, Replicas = 1, Memory = ByteSize.FromMebibytes(100) },
                ["cache"] = new() { Engine = StoreEngine.Redis, Memory = ByteSize.FromMebibytes(50) },
            },
        };
        Assert.Equal(new Claim(0, 850L << 20), Claim.OfStores(guide));
    }

    [Fact]
    public void The_memory_that_is_free_is_read_from_the_kernel()
    {
        using var folder = new TemporaryFolder();
        folder.Write("meminfo", "MemTotal:       24000000 kB\nMemFree:          100 kB\nMemAvailable:   12000000 kB\n");
        Assert.Equal(12_000_000L * 1024, Machine.Available(folder["meminfo"]));
        Assert.Null(Machine.Available(folder["none"]));
        Assert.InRange(Machine.Look().AvailableBytes!.Value, 1, Machine.Look().MemoryBytes * 2);
    }

    [Fact]
    public async Task Systems_of_a_machine_see_what_the_others_were_promised_while_they_are_up()
    {
        using var folder = new TemporaryFolder();
        var (a, b) = (SystemState.At(folder["a"], "a"), SystemState.At(folder["b"], "b"));
        using var up = await HostLock.TryTakeAsync(a, TimeProvider.System, default);
        using (var alsoUp = await HostLock.TryTakeAsync(b, TimeProvider.System, default))
        {
            new Claim(1500, Gibibyte).Write(b);
            Assert.Equal(new Claim(1500, Gibibyte), Claim.OfOthers(a));
            Assert.Equal(Claim.None, Claim.OfOthers(b));
        }

        Assert.Equal(Claim.None, Claim.OfOthers(a)); // b was killed: it has no host any more
    }

    [Fact]
    public async Task Only_one_system_grows_at_a_time_and_a_hanging_one_keeps_nobody()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["a"]);
        var (a, b) = (SystemState.At(folder["a"], "a"), SystemState.At(folder["b"], "b"));
        await using (var grows = await MachineLock.TakeAsync(a, TimeProvider.System, default))
        {
            Assert.NotNull(grows);
            Assert.Null(await MachineLock.TakeAsync(b, TimeProvider.System, default));
        }

        await using var next = await MachineLock.TakeAsync(b, TimeProvider.System, default);
        Assert.NotNull(next);
    }
}
