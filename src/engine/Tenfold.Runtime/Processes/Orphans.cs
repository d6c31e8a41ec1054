using System.Text;
using Tenfold.Runtime.State;

namespace Tenfold.Runtime.Processes;

/// <summary>A process that a killed host left behind.</summary>
/// <param name="Name">Its name in the system, or its command where that is not known.</param>
/// <param name="Pid">Process id.</param>
/// <param name="Killed">Whether it had to be killed, because it did not stop when asked.</param>
public sealed record Orphan(string Name, int Pid, bool Killed);

/// <summary>Finds and ends everything that a host left behind which was killed with -9.</summary>
public static class Orphans
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan KillWait = TimeSpan.FromSeconds(10);
    private const int Rounds = 5;

    /// <summary>
    /// Ends all processes of this state folder, removes their cgroups, pid files and sockets.
    /// The caller holds the <see cref="HostLock"/>, or knows that there is no host.
    /// </summary>
    /// <param name="state">Whose processes.</param>
    /// <param name="grace">How long they may take to stop before they are killed.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancel">Stops the waiting; what was asked to stop goes on doing so.</param>
    /// <returns>What was found, all of it ended now.</returns>
    /// <exception cref="RuntimeException">Something could not be ended, for instance because it is another user's.</exception>
    public static async Task<IReadOnlyList<Orphan>> EndAsync(SystemState state, TimeSpan grace, TimeProvider time, CancellationToken cancel = default)
    {
        var all = new List<Found>();
        // Once more while there is something: a supervisor among them may have started another process meanwhile.
        for (var round = 0; round < Rounds && Find(state) is { Count: > 0 } found; round++)
        {
            await EndAsync(found, round == 0 ? grace : TimeSpan.Zero, time, cancel);
            all.AddRange(found);
        }

        await CleanAsync(state, time, cancel);
        return [.. all.Select(one => new Orphan(one.Name, one.Process.Pid, one.Killed))];
    }

    private static async Task EndAsync(List<Found> found, TimeSpan grace, TimeProvider time, CancellationToken cancel)
    {
        foreach (var one in found)
        {
            one.Ask();
        }

        await WaitAsync(found, grace, time, cancel);
        foreach (var one in found)
        {
            one.KillIfAlive();
        }

        await WaitAsync(found, KillWait, time, cancel);
        if (found.FirstOrDefault(one => one.Process.IsAlive) is { } stubborn)
        {
            throw new RuntimeException(
                RuntimeFailure.Machine,
                $"{stubborn.Name} (pid {stubborn.Process.Pid}), left by an earlier run, cannot be ended: it belongs to another user or hangs in the kernel; end it by hand: sudo kill -9 {stubborn.Process.Pid}");
        }
    }

    private static List<Found> Find(SystemState state)
    {
        var all = ProcessTable.All();
        var skip = Ancestors(all, Environment.ProcessId);
        var found = new Dictionary<int, Found>();

        foreach (var (name, file) in PidFiles(state))
        {
            if (file.Process.IsAlive)
            {
                Add(file.Process.Pid, name, file.StopSignal, file.SignalGroup);
            }
        }

        foreach (var row in all)
        {
            if (StoreServers.StoreOf(row, state) is { } store)
            {
                // A fast shutdown for a postmaster, SIGTERM for Redis; backends are left to their postmaster.
                var isChild = all.Any(other => other.Pid == row.Parent && other.Name == row.Name);
                Add(row.Pid, store, isChild ? null : row.Name == "postgres" ? Signal.Interrupt : Signal.Terminate, group: false);
            }
        }

        var mark = Encoding.UTF8.GetBytes($"{ChildProcess.StateVariable}={state.Folder}\0");
        foreach (var row in all)
        {
            if (row.IsRunning && CarriesMark(row.Pid, mark))
            {
                Add(row.Pid, row.Name, Signal.Terminate, group: false);
            }
        }

        // What they started goes with them: a PostgreSQL backend must be gone before its cluster can start again.
        foreach (var root in found.Values.ToList())
        {
            foreach (var row in ProcessTable.Tree(all, root.Process.Pid).Concat(all.Where(row => row.Session == root.Process.Pid)))
            {
                Add(row.Pid, row.Name, signal: null, group: false);
            }
        }

        return [.. found.Values];

        void Add(int pid, string name, Signal? signal, bool group)
        {
            if (!skip.Contains(pid) && !found.ContainsKey(pid) && ProcessIdentity.Of(pid) is { } identity)
            {
                found.Add(pid, new Found(name, identity, signal, group));
            }
        }
    }

    private static IEnumerable<(string Name, PidFile File)> PidFiles(SystemState state)
    {
        if (!Directory.Exists(state.Run))
        {
            yield break;
        }

        foreach (var path in Directory.EnumerateFiles(state.Run, "*.pid"))
        {
            if (PidFile.Read(path) is { } file)
            {
                yield return (Path.GetFileNameWithoutExtension(path), file);
            }
        }
    }

    private static bool CarriesMark(int pid, byte[] mark)
    {
        try
        {
            var environment = File.ReadAllBytes($"/proc/{pid}/environ").AsSpan();
            var at = environment.IndexOf(mark);
            return at == 0 || (at > 0 && environment[at - 1] == 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // ended meanwhile, or another user's
        }
    }

    private static HashSet<int> Ancestors(IReadOnlyList<ProcessRow> all, int pid)
    {
        var parents = all.ToDictionary(row => row.Pid, row => row.Parent);
        var line = new HashSet<int> { 0, 1 };
        while (line.Add(pid) && parents.TryGetValue(pid, out var parent))
        {
            pid = parent;
        }

        return line;
    }

    private static async Task WaitAsync(List<Found> found, TimeSpan limit, TimeProvider time, CancellationToken cancel)
    {
        var start = time.GetTimestamp();
        while (found.Exists(one => one.Process.IsAlive) && time.GetElapsedTime(start) < limit)
        {
            await Task.Delay(Poll, time, cancel);
        }
    }

    private static async Task CleanAsync(SystemState state, TimeProvider time, CancellationToken cancel)
    {
        foreach (var (_, file) in PidFiles(state))
        {
            foreach (var folder in file.Cgroups)
            {
                await Cgroups.CgroupFolder.RemoveAsync(folder, time, cancel);
            }
        }

        await Cgroups.Cgroup.RemoveAllAsync(state, time, cancel);
        if (Directory.Exists(state.Run))
        {
            foreach (var file in Directory.EnumerateFiles(state.Run).Where(file => Path.GetExtension(file) is ".pid" or ".sock"))
            {
                File.Delete(file);
            }
        }
    }

    private sealed class Found(string name, ProcessIdentity process, Signal? signal, bool group)
    {
        public string Name => name;

        public ProcessIdentity Process => process;

        public bool Killed { get; private set; }

        public void Ask()
        {
            if (signal is { } ask && process.IsAlive)
            {
                _ = (group && Signals.Send(-process.Pid, ask)) || Signals.Send(process.Pid, ask);
                _ = process.Signal(Signal.Continue); // one that was stopped hears nothing else
            }
        }

        public void KillIfAlive() => Killed = process.Signal(Signal.Kill);
    }
}
