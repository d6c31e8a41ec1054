namespace Tenfold.Caching.Coherence;

/// <summary>Tags, and the generations that they had when a load began. Entries that were loaded under the same ones share it. Immutable.</summary>
internal sealed class TagStamp(TagState[] tags, long[] generations)
{
    public static TagStamp None { get; } = new([], []);

    public TagState[] Tags => tags;

    /// <summary>Whether none of the tags was invalidated since, as far as this node has been told.</summary>
    public bool Holds()
    {
        var (states, then) = (tags, generations);
        for (var i = 0; i < states.Length; i++)
        {
            if (states[i].Generation != then[i])
            {
                return false;
            }
        }

        return true;
    }

    public bool Is(TagState[] others, long[] then) => tags.AsSpan().SequenceEqual(others) && generations.AsSpan().SequenceEqual(then);
}
