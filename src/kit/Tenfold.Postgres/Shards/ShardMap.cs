using System.Collections.Immutable;

namespace Tenfold.Postgres.Shards;

/// <summary>A database of a sharded store.</summary>
/// <param name="Id">Its number; 0 is the home database, which holds the map.</param>
/// <param name="Address">Host, port and name as Npgsql text, without user or secrets; empty for the home database.</param>
public sealed record ShardDatabase(int Id, string Address);

/// <summary>
/// Which database owns which bucket, in one version of many: every change makes a map of the next epoch. Immutable and thread-safe;
/// a database holds a bucket's fence of its own, so that whoever acts on an old map is refused there.
/// </summary>
public sealed class ShardMap
{
    private readonly ImmutableArray<int> _owners;
    private readonly ImmutableArray<ReadToken?> _arrivals;

    /// <exception cref="ShardException"><see cref="ShardFailure.Map"/>: a bucket has no owner, or one that is not among the databases.</exception>
    internal ShardMap(long epoch, BucketScheme scheme, IEnumerable<ShardDatabase> databases, IEnumerable<int> owners, IEnumerable<ReadToken?>? arrivals = null)
    {
        (Epoch, Scheme, _owners, _arrivals) = (epoch, scheme, [.. owners], [.. arrivals ?? []]);
        Databases = [.. databases.OrderBy(database => database.Id)];
        if (_owners.Length != scheme.Count)
        {
            throw new ShardException(ShardFailure.Map, $"the shard map (epoch {epoch}) has {_owners.Length} buckets instead of {scheme.Count}");
        }

        for (var bucket = 0; bucket < _owners.Length; bucket++)
        {
            if (!Databases.Any(database => database.Id == _owners[bucket]))
            {
                throw new ShardException(ShardFailure.Map, $"the shard map (epoch {epoch}) gives bucket {bucket} to database {_owners[bucket]}, which it does not list");
            }
        }
    }

    /// <summary>Version of the map; the first is 1.</summary>
    public long Epoch { get; }

    /// <summary>How keys fall into buckets.</summary>
    public BucketScheme Scheme { get; }

    /// <summary>All databases, by number; one without buckets too.</summary>
    public IReadOnlyList<ShardDatabase> Databases { get; }

    /// <summary>Owner of each bucket, by bucket.</summary>
    public IReadOnlyList<int> Owners => _owners;

    /// <summary>The first map: buckets split evenly, neighbours together.</summary>
    /// <exception cref="ArgumentException">There is no database.</exception>
    public static ShardMap Even(BucketScheme scheme, IReadOnlyList<ShardDatabase> databases)
    {
        if (databases.Count == 0)
        {
            throw new ArgumentException("a shard map needs a database", nameof(databases));
        }

        var ids = databases.Select(database => database.Id).Order().ToArray();
        return new ShardMap(1, scheme, databases, Enumerable.Range(0, scheme.Count).Select(bucket => ids[(int)((long)bucket * ids.Length / scheme.Count)]));
    }

    /// <summary>The bucket of a key.</summary>
    /// <exception cref="ShardException"><see cref="ShardFailure.Unmapped"/>: it belongs to none.</exception>
    public int BucketOf(ShardKey key) => Scheme.BucketOf(key);

    /// <summary>The database that owns a bucket.</summary>
    /// <exception cref="ShardException"><see cref="ShardFailure.Unmapped"/>: there is no such bucket.</exception>
    public int DatabaseOf(int bucket) => (uint)bucket < (uint)_owners.Length
        ? _owners[bucket]
        : throw new ShardException(ShardFailure.Unmapped, $"there is no bucket {bucket}: {Scheme.Say()}");

    /// <summary>What a replica of the owner must have reached to have all of a bucket that was moved lately; null for others.</summary>
    internal ReadToken? ArrivalOf(int bucket) => bucket < _arrivals.Length ? _arrivals[bucket] : null;

    /// <summary>The buckets of a database, ascending.</summary>
    public IReadOnlyList<int> BucketsOf(int database) => [.. Enumerable.Range(0, _owners.Length).Where(bucket => _owners[bucket] == database)];
}
