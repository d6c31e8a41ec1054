using Tenfold.Cli.Edge;
using Tenfold.Runtime.Processes;
using Tenfold.Runtime.State;

namespace Tenfold.Cli.Verbs;

/// <summary>What a host left that was killed with -9.</summary>
internal static class Leftovers
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    /// <summary>Keeps every host away while it is held; null when there is nothing to keep one away from, or one runs or starts.</summary>
    public static async Task<HostLock?> LockAsync(Shell shell, SystemState state, CancellationToken cancel) =>
        state.IsThere ? await HostLock.TryTakeAsync(state, shell.Time, cancel, asHost: false) : null;

    /// <summary>Ends it and says so on stderr. The caller holds the lock.</summary>
    public static async Task<IReadOnlyList<Orphan>> EndAsync(Shell shell, SystemState state, CancellationToken cancel)
    {
        var ended = await Orphans.EndAsync(state, Grace, shell.Time, cancel);
        if (ended.Count > 0)
        {
            shell.Error.WriteLine($"tenfold: the host of {state.System} was killed; ended what it left: {string.Join(", ", ended.Select(one => one.Name).Distinct())}");
        }

        return ended;
    }
}
