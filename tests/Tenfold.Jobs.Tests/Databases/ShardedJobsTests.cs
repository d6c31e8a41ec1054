using Microsoft.Extensions.Logging.Abstractions;
using Tenfold.Jobs.Tests.Support;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;
using Tenfold.Postgres.Tests.Support;

namespace Tenfold.Jobs.Tests.Databases;

public sealed class ShardedJobsTests(JobServer server)
{
    [Fact]
    public async Task Jobs_are_enqueued_in_the_transaction_of_their_shard_and_one_worker_serves_all()
    {
        await using var home = await server.DatabaseAsync(number: null);
        await using var other = await server.DatabaseAsync(number: null);
        await using var store = await ShardedStore.StartAsync(
            new ShardedStoreOptions { Home = new PostgresOptions { Name = "main", ConnectionString = home.ConnectionString }, Others = new Dictionary<int, string> { [1] = other.ConnectionString }, Scheme = BucketScheme.Hash(8) },
            TimeProvider.System,
            new Random(1),
            NullLoggerFactory.Instance,
            default);
        await using var app = await JobApp.StartAsync(store);
        var ids = new List<long>();
        for (var key = 0; key < 40; key++)
        {
            ids.Add(await store.WriteAsync(key, async (write, cancel) => (await app.Client.EnqueueAsync(write.Connection, new Work($"{write.Shard.Database}"), cancel: cancel)).Id, null, default));
        }

        await Wait.ForAsync("all to be done", () => app.Done.Count == 40);
        Assert.Equal(["0", "1"], app.Done.Distinct().Order());
        Assert.Equal(ids.Count(id => id % 1000 == 1), app.Done.Count(name => name == "1"));
        await Wait.ForAsync("all to have ended where they were", async () =>
            (long)(await home.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended"))! == ids.Count(id => id % 1000 == 0) && (long)(await other.ExecuteAsync("SELECT count(*) FROM tenfold.jobs_ended"))! == ids.Count(id => id % 1000 == 1));
    }
}
