using Microsoft.Extensions.Logging.Abstractions;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace ShardsDriver;

internal static class Stores
{
    public const int Buckets = 16;

    public static Task<ShardedStore> StartAsync(string home, string other) => ShardedStore.StartAsync(
        new ShardedStoreOptions
        {
            Home = new PostgresOptions { Name = "main", ConnectionString = home },
            Others = new Dictionary<int, string> { [1] = other },
            Scheme = BucketScheme.Hash(Buckets),
        },
        TimeProvider.System,
        new Random(1),
        NullLoggerFactory.Instance,
        CancellationToken.None);
}
