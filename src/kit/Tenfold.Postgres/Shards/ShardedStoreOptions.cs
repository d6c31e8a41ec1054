namespace Tenfold.Postgres.Shards;

/// <summary>How a sharded store is reached and used.</summary>
public sealed record ShardedStoreOptions
{
    /// <summary>The home database (number 0): it holds the map, and may hold buckets as any other.</summary>
    public required PostgresOptions Home { get; init; }

    /// <summary>
    /// Connection strings of further databases, by number from 1. Those that exist when the map is first made share the buckets; a
    /// database of the map that is not among them is reached by the map's address, as the user of the home database.
    /// </summary>
    public IReadOnlyDictionary<int, string> Others { get; init; } = new Dictionary<int, string>();

    /// <summary>
    /// How a mover reaches databases, by number, where it is not as <see cref="Home"/> and <see cref="Others"/> say: past a pooler, and
    /// as a user that may replicate and owns the tables (or is a superuser). Instances need none.
    /// </summary>
    public IReadOnlyDictionary<int, string> Movers { get; init; } = new Dictionary<int, string>();

    /// <summary>How keys fall into buckets. Default: 256 by hash. Must stay what it was when the map was made.</summary>
    public BucketScheme Scheme { get; init; } = BucketScheme.Hash();

    /// <summary>How often the map's epoch is asked for, beside being told of a change at once. Default 2 s.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>After how long without an answer to that, each reading connection is checked at the database that it leads to. Default 15 s.</summary>
    public TimeSpan Unconfirmed { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a write goes on looking for the owner of its bucket. Default 10 s.</summary>
    public TimeSpan MoveWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How many databases one scattered query asks at the same time. Default 4.</summary>
    public int FanOut { get; init; } = 4;

    /// <summary>Whether this process makes ids, and so leases one of the 128 instance numbers. Default true.</summary>
    public bool MakesIds { get; init; } = true;
}
