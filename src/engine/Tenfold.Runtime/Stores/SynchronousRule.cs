namespace Tenfold.Runtime.Stores;

/// <summary>What is next for the replicas that commits wait for.</summary>
/// <param name="Record">Written first, when not null: <see cref="Topology.Synced"/>.</param>
/// <param name="Names">Then set in the primary, when not null.</param>
internal sealed record SynchronousStep(IReadOnlyList<int>? Record, IReadOnlyList<int>? Names)
{
    public static SynchronousStep None { get; } = new(null, null);
}

/// <summary>
/// Which replicas commits wait for (<c>ANY 1</c>), and which of them may take over without loss. Pure. The record on disk is at every
/// moment true of all commits that were answered, whenever this process is killed.
/// </summary>
internal static class SynchronousRule
{
    /// <param name="wanted">Replicas that are fed now, or were until a moment ago.</param>
    /// <param name="names">Those that the primary waits for, as set.</param>
    /// <param name="recorded">As recorded.</param>
    /// <param name="caughtUp">Whether all of <paramref name="names"/> have what the primary had when it began to wait for exactly these.</param>
    public static SynchronousStep Next(IReadOnlyList<int> wanted, IReadOnlyList<int> names, IReadOnlyList<int> recorded, bool caughtUp)
    {
        if (!Same(wanted, names))
        {
            return wanted.Count == 0
                ? new SynchronousStep(recorded.Count > 0 ? [] : null, wanted) // from here on commits are answered that are nowhere else
                : new SynchronousStep(recorded.Count > 0 && wanted.Except(recorded).Any() ? [.. recorded.Union(wanted).Order()] : null, wanted);
        }

        return names.Count > 0 && caughtUp && !Same(recorded, names) ? new SynchronousStep(names, null) : SynchronousStep.None;
    }

    private static bool Same(IReadOnlyList<int> a, IReadOnlyList<int> b) => a.Order().SequenceEqual(b.Order());
}
