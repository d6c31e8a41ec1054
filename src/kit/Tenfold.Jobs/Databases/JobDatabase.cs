using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Tenfold.Jobs.Databases;

/// <summary>A database that jobs are enqueued in.</summary>
/// <param name="Number">Its number in its store; ids of its jobs end with it (modulo <see cref="Schema.JobSchema.Databases"/>).</param>
/// <param name="Store">How it is reached.</param>
internal sealed record JobDatabase(int Number, PostgresStore Store);

/// <summary>The databases of a store as they are now: one, or those of the shard map.</summary>
internal sealed class JobDatabases
{
    private readonly Func<IReadOnlyList<JobDatabase>> _now;

    public JobDatabases(PostgresStore only)
    {
        IReadOnlyList<JobDatabase> one = [new JobDatabase(0, only)];
        _now = () => one;
    }

    public JobDatabases(ShardedStore sharded)
    {
        (ShardMap? Map, IReadOnlyList<JobDatabase> Databases) last = (null, []);
        var gate = new Lock();
        _now = () =>
        {
            lock (gate)
            {
                if (last.Map != sharded.Map)
                {
                    // Those that are known stay the same objects.
                    last = (sharded.Map, [.. sharded.Stores().Select(store => last.Databases.FirstOrDefault(known => known.Number == store.Database && known.Store == store.Store) ?? new JobDatabase(store.Database, store.Store))]);
                }

                return last.Databases;
            }
        };
    }

    public IReadOnlyList<JobDatabase> Now => _now();

    /// <summary>The one that a job is in; null when this process does not know it (yet).</summary>
    public JobDatabase? Of(long job)
    {
        foreach (var database in Now)
        {
            if (database.Number == job % Schema.JobSchema.Databases)
            {
                return database;
            }
        }

        return null;
    }
}
