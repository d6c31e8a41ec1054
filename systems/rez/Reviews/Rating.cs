namespace Rez.Reviews;

/// <summary>What the reviews of a product that are shown say together. Immutable.</summary>
/// <param name="Stars">How many give 1, 2, 3, 4, 5.</param>
internal sealed record Rating(int[] Stars)
{
    /// <summary>The best rating; the worst is 1.</summary>
    public const int Most = 5;

    /// <summary>Nobody has said anything.</summary>
    public static Rating None { get; } = new([0, 0, 0, 0, 0]);

    public int Count { get; } = Stars.Sum();

    public long Sum { get; } = Stars.Select((count, index) => (long)count * (index + 1)).Sum();

    /// <summary>The mean in tenths, halves rounded up; 0 without reviews.</summary>
    public short Tenths => (short)(Count == 0 ? 0 : ((20 * Sum) + Count) / (2 * Count));

    /// <summary>What a change of one review changes, to be added to <see cref="Stars"/>.</summary>
    /// <param name="before">Its rating where it was shown; null where it was hidden or not there.</param>
    /// <param name="after">The same of what it is now.</param>
    /// <returns>Null when nothing changes.</returns>
    public static int[]? Change(int? before, int? after)
    {
        if (before == after)
        {
            return null;
        }

        var change = new int[Most];
        if (before is { } was)
        {
            change[was - 1]--;
        }

        if (after is { } now)
        {
            change[now - 1]++;
        }

        return change;
    }
}
