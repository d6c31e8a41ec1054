// A host for the tests to kill with -9: takes the lock, starts children, says "ready" and waits.
using Tenfold.Guide;
using Tenfold.Runtime;
using Tenfold.Runtime.Cgroups;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;
using Tenfold.Runtime.Stores;

var state = SystemState.At(args[0], "orphans");
using var hostLock = await HostLock.TryTakeAsync(state, TimeProvider.System, CancellationToken.None);
if (hostLock is null)
{
    Console.WriteLine($"locked by {HostLock.Owner(state)?.Pid}");
    return 1;
}

if (args is [_, "stores"])
{
    var guide = new SystemGuide
    {
        System = "orphans",
        Stores = new Dictionary<string, Store> { ["main"] = new() { Engine = StoreEngine.Postgres }, ["cache"] = new() { Engine = StoreEngine.Redis } },
    };
    try
    {
        _ = await StoreSet.StartAsync(guide, state, new StoreOptions { Durable = false }, CancellationToken.None);
    }
    catch (RuntimeException e)
    {
        Console.WriteLine(e.Message);
        return (int)e.Failure;
    }
}
else
{
    var cgroup = (await Cgroup.TryCreateAsync(state, "stubborn", new InstanceSize(), TimeProvider.System, CancellationToken.None)).Group;
    var started = new TaskCompletionSource();
    _ = ChildProcess.Start(
        new ProcessSpec
        {
            Name = "stubborn",
            FileName = "sh",
            // Ignores SIGTERM, as does its child; the grandchild has left the session.
            Arguments = ["-c", "trap '' TERM; sleep 1000 & setsid sleep 1001 & echo started; wait"],
            WorkingDirectory = "/",
            Cgroup = cgroup,
        },
        state,
        line => started.TrySetResult(),
        TimeProvider.System);
    await started.Task;
}

Console.WriteLine("ready");
await Task.Delay(Timeout.Infinite);
return 0;
