namespace Tenfold.Postgres.Moves;

/// <summary>How moves behave. The defaults suit production.</summary>
public sealed record MoveOptions
{
    /// <summary>
    /// How long the source's rows stay after the switch, for reads that began before it and processes that have not heard of it.
    /// Default 30 s; at least twice <see cref="Shards.ShardedStoreOptions.Unconfirmed"/> to be safe.
    /// </summary>
    public TimeSpan DropDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one attempt to block writes may make them wait before it is given up and tried again. Default 150 ms.</summary>
    public TimeSpan BlockLimit { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>How long blocked writes may wait for the target to have the last change, before they are let go and it is tried again. Default 150 ms.</summary>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromMilliseconds(150);

    /// <summary>Attempts to block writes, a second apart. Default 60.</summary>
    public int BlockAttempts { get; init; } = 60;

    /// <summary>Pause between attempts. Default 1 s.</summary>
    public TimeSpan BlockPause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the source may take to make the slot: it waits for every transaction that is writing at that moment. Default 60 s.</summary>
    public TimeSpan SlotLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Most buckets that are moved together. Default 32.</summary>
    public int Together { get; init; } = 32;

    /// <summary>Called after each step: for tests that end a move there.</summary>
    internal Func<MoveStep, CancellationToken, Task> AfterStep { get; init; } = static (_, _) => Task.CompletedTask;
}
