using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Tenfold.Postgres;
using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;

// move HOME OTHER BUCKETS STEP: moves all buckets of database 0 to database 1 (OTHER), as a process that can be killed. After STEP it
// prints "at STEP" and waits for ever; STEP 0 is none: it prints "done" and ends.
if (args is not ["move", var home, var other, var buckets, var last])
{
    Console.Error.WriteLine("usage: see Program.cs");
    return 2;
}

var stopAfter = (MoveStep)int.Parse(last, CultureInfo.InvariantCulture);
var store = await ShardedStore.StartAsync(
    new ShardedStoreOptions
    {
        Home = new PostgresOptions { Name = "main", ConnectionString = home },
        Others = new Dictionary<int, string> { [1] = other },
        Scheme = BucketScheme.Hash(int.Parse(buckets, CultureInfo.InvariantCulture)),
        MakesIds = false,
    },
    TimeProvider.System,
    new Random(1),
    NullLoggerFactory.Instance,
    CancellationToken.None);
await using (store)
{
    var options = new MoveOptions
    {
        DropDelay = TimeSpan.Zero,
        BlockLimit = TimeSpan.FromSeconds(5), // the machine may be busy: what is tested here is not how long writes wait
        DrainLimit = TimeSpan.FromSeconds(10),
        BlockPause = TimeSpan.FromMilliseconds(50),
        AfterStep = async (step, cancel) =>
        {
            if (step == stopAfter)
            {
                Console.WriteLine($"at {(int)step}");
                await Task.Delay(Timeout.Infinite, cancel);
            }
        },
    };
    await new BucketMover(store, options, static progress => Console.Error.WriteLine($"{progress.Step}: {progress.Text}")).MoveAsync(
        [.. Enumerable.Range(0, store.Map.Scheme.Count)], 1, CancellationToken.None);
}

Console.WriteLine("done");
return 0;
