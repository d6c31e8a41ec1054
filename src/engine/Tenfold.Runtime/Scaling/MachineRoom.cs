using Tenfold.Guide;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Scaling;

/// <summary>How many instances of a service this machine has room for, those that there are included, and why no more.</summary>
internal readonly record struct Room(int Instances, string Why);

/// <summary>
/// How much of the machine is left: limits that instances and stores of all systems have been promised, against what it has. Memory
/// is hard. Processor shares are quotas, which few use up at the same time: of them <see cref="Overcommit"/> times the cores are given. Pure.
/// </summary>
internal static class MachineRoom
{
    /// <summary>Times the machine's cores that instances may be promised.</summary>
    public const double Overcommit = 4;

    /// <summary>Share of the memory that is left to everything else.</summary>
    public const double Reserve = 0.05;

    /// <param name="machine">What it has.</param>
    /// <param name="size">What an instance may use.</param>
    /// <param name="there">Instances that there are.</param>
    /// <param name="starting">Memory that instances of this system which start now will still take.</param>
    /// <param name="own">What the rest of this system was promised.</param>
    /// <param name="others">What other systems were promised.</param>
    /// <returns>Null: nothing limits them.</returns>
    public static Room? Of(Machine machine, InstanceSize size, int there, long starting, Claim own, Claim others)
    {
        Room? least = null;
        var reserve = (long)(Reserve * machine.MemoryBytes);
        if (size.Memory is { Bytes: > 0 and var each })
        {
            var given = own.MemoryBytes + others.MemoryBytes;
            Take((machine.MemoryBytes - reserve - given) / each, () =>
                $"{Size(each)} of memory an instance, {Size(machine.MemoryBytes)} on this machine, of which {Size(given + (there * each))} are promised already ({Size(others.MemoryBytes)} to other systems)");
            if (machine.AvailableBytes is { } available)
            {
                Take(there + ((available - reserve - starting) / each), () => $"{Size(each)} of memory an instance, {Size(Math.Max(0, available - starting))} of {Size(machine.MemoryBytes)} free");
            }
        }
        else if (machine.AvailableBytes < reserve)
        {
            Take(there, () => $"{Size(machine.AvailableBytes.Value)} of {Size(machine.MemoryBytes)} memory free");
        }

        if (size.Cpu is { Millicores: > 0 and var share })
        {
            var given = own.Millicores + others.Millicores;
            Take((long)((machine.Cores * 1000 * Overcommit) - given) / share, () =>
                $"{share}m of processor an instance, {machine.Cores} cores on this machine, of which {given + ((long)there * share)}m are promised already ({others.Millicores}m to other systems) and at most {Overcommit:0} times are given");
        }

        return least;

        // What is there stays: the rules decide about that, not want of room.
        void Take(long count, Func<string> why)
        {
            var instances = (int)Math.Clamp(count, there, int.MaxValue);
            if (least is null || instances < least.Value.Instances)
            {
                least = new Room(instances, why());
            }
        }
    }

    private static string Size(long bytes) => bytes >= 1L << 30
        ? FormattableString.Invariant($"{bytes / (double)(1L << 30):0.0} GiB")
        : FormattableString.Invariant($"{bytes / (double)(1L << 20):0} MiB");
}

/// <summary>Keeps the systems of a machine from growing at the same time, by a lock on a file beside their state folders.</summary>
internal static class MachineLock
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private const int Tries = 25;

    /// <summary>Takes it, for as long as it is not disposed; null when it cannot be had within half a second: nobody waits for a host that hangs.</summary>
    public static async Task<FileStream?> TakeAsync(SystemState state, TimeProvider time, CancellationToken cancel)
    {
        var file = Path.Combine(Path.GetDirectoryName(state.Folder) ?? "/", ".growth.lock");
        for (var i = 0; i < Tries; i++)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (UnauthorizedAccessException)
            {
                return null;
            }
            catch (IOException)
            {
                await Task.Delay(Pause, time, cancel);
            }
        }

        return null;
    }
}
