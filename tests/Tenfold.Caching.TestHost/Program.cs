using System.Globalization;
using Tenfold.Caching.TestHost;

// history NODE REDIS SOURCE HISTORY SECONDS COHERENT BOUND-MS SEED: prints "ready", begins at a line on stdin, ends by itself.
// cold REDIS NODE CALLERS: as many callers of one cold key; prints how many loads ran.
switch (args)
{
    case ["history", var node, var redis, var source, var history, var seconds, var coherent, var bound, var seed]:
        await using (var cache = new CacheNode(
            Number(node), redis, source, history, coherent == "true", TimeSpan.FromMilliseconds(Number(bound)), Number(seed)))
        {
            await cache.Ready.WaitAsync(TimeSpan.FromSeconds(60));
            Console.WriteLine("ready");
            await Console.In.ReadLineAsync();
            await cache.RunAsync(workers: 8, TimeSpan.FromSeconds(Number(seconds)));
            foreach (var counts in cache.Counts)
            {
                Console.WriteLine(counts);
            }
        }

        return 0;

    case ["cold", var redis, var callers]:
        return await ColdCallers.RunAsync(redis, Number(callers));

    default:
        Console.Error.WriteLine("usage: see Program.cs");
        return 2;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
