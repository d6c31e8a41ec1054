// A number of concurrent callers, each getting one key after the other.
// Usage: RedisDriver URL CALLERS WARM-SECONDS SECONDS; prints: commands, seconds, CPU microseconds, bytes allocated
using System.Diagnostics;
using System.Text;
using Tenfold.Redis;

var (url, callers, warm, seconds) = (args[0], int.Parse(args[1]), double.Parse(args[2]), double.Parse(args[3]));
await using var client = new RedisClient(RedisOptions.Parse(url));
await client.PingAsync();
var keys = Enumerable.Range(0, 1000).Select(i => Encoding.ASCII.GetBytes($"key:{i:D12}")).ToArray();
var counts = new long[callers * 16]; // a cache line each
using var stop = new CancellationTokenSource();
var loops = Enumerable.Range(0, callers).Select(caller => Task.Run(() => RunAsync(caller))).ToArray();

await Task.Delay(TimeSpan.FromSeconds(warm));
var (commands, cpu, bytes, since) = (counts.Sum(), Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(), Stopwatch.GetTimestamp());
await Task.Delay(TimeSpan.FromSeconds(seconds));
var elapsed = Stopwatch.GetElapsedTime(since);
Console.WriteLine($"{counts.Sum() - commands} {elapsed.TotalSeconds:0.000} {(Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds:0} {GC.GetTotalAllocatedBytes() - bytes}");
await stop.CancelAsync();
await Task.WhenAll(loops);

async Task RunAsync(int caller)
{
    for (var i = caller * 7919; !stop.IsCancellationRequested; i++)
    {
        var value = await client.GetAsync(keys[i % keys.Length]);
        if (value is not { Length: 100 })
        {
            throw new InvalidOperationException($"A value of {value?.Length} bytes came back.");
        }

        counts[caller * 16]++;
    }
}
