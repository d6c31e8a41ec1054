namespace Tenfold.Caching.Coherence;

/// <summary>What this node knows about a tag: its generation. Written by the tracker only; read by every hit.</summary>
internal sealed class TagState(string name)
{
    /// <summary>Not read yet, or invalidated since: no entry holds against it.</summary>
    public const long Unknown = -1;

    /// <summary>Redis has no generation of it.</summary>
    public const long Missing = -2;

    private const long Retired = long.MinValue;

    private long _generation = Unknown;

    public string Name => name;

    public long Generation
    {
        get => Volatile.Read(ref _generation);
        set
        {
            var before = Volatile.Read(ref _generation);
            while (before != Retired)
            {
                var found = Interlocked.CompareExchange(ref _generation, value, before);
                if (found == before)
                {
                    return;
                }

                before = found;
            }
        }
    }

    /// <summary>The table forgets it: no news of the tag will reach it, so no entry holds against it any more, whoever still writes to it.</summary>
    public void Retire() => Volatile.Write(ref _generation, Retired);

    /// <summary>The next generation, where no server keeps it.</summary>
    public void Advance() => Interlocked.Increment(ref _generation);

    public override string ToString() => $"{name} at generation {Generation}";
}
