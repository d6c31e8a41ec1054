using System.Diagnostics;
using Tenfold.Caching.TestHost;
using Tenfold.Caching.Tests.Support;
using Tenfold.TestSupport;

namespace Tenfold.Caching.Tests.History;

/// <summary>Four processes on one Redis that is killed, emptied, flushed, frozen and cut off, and a checker over what they saw.</summary>
public sealed class CoherenceTests(ITestOutputHelper output)
{
    // Short, so that the faults outlast it. The default is 1 s.
    private static readonly TimeSpan Bound = TimeSpan.FromMilliseconds(400);

    [Fact]
    public async Task No_read_returns_what_was_invalidated_before_it_began() => await Holds(TimeSpan.FromSeconds(8));

    [Fact]
    [Trait("Suite", "soak")]
    public async Task No_read_returns_what_was_invalidated_before_it_began_for_a_minute() => await Holds(TimeSpan.FromSeconds(60));

    [Fact]
    public async Task Without_coherence_the_checker_finds_stale_reads()
    {
        // On a busy machine little may be read within a run.
        for (var attempt = 1; attempt <= 5; attempt++)
        {
            var violations = HistoryChecker.Check(await RunAsync(TimeSpan.FromSeconds(2), coherent: false, faults: false), Bound);
            output.WriteLine($"{violations.Count} violations, such as {(violations.Count > 0 ? violations[0] : null)}");
            if (violations.Count > 0)
            {
                return;
            }
        }

        Assert.Fail("the checker finds nothing where nothing is coherent");
    }

    private async Task Holds(TimeSpan time)
    {
        var history = await RunAsync(time, coherent: true, faults: true);

        var violations = HistoryChecker.Check(history, Bound);

        var late = HistoryChecker.Check(history, TimeSpan.Zero).Select(v => v.Late / 1e6).Order().ToArray();
        output.WriteLine($"within the bound of {Bound.TotalMilliseconds} ms: {late.Length} reads of values already invalidated, the latest {late.LastOrDefault():0.0} ms");
        Assert.True(violations.Count == 0, $"{violations.Count} violations:\n{string.Join('\n', violations.Take(10))}");
    }

    private async Task<IReadOnlyList<HistoryEvent>> RunAsync(TimeSpan time, bool coherent, bool faults)
    {
        await using var redis = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "everysec");
        return await HistoryRun.RunAsync(redis.Url, time, Bound, coherent, nodes => faults ? DisturbAsync(redis, nodes, time - TimeSpan.FromSeconds(1), new Random(7)) : Task.CompletedTask, output);
    }

    private static async Task DisturbAsync(RedisServer redis, IReadOnlyList<NodeProcess> nodes, TimeSpan time, Random random)
    {
        var since = Stopwatch.StartNew();
        for (var fault = 0; since.Elapsed < time; fault++)
        {
            await Task.Delay(random.Next(100, 500));
            switch (fault % 6)
            {
                case 0: // comes back with what the disk has, which may be from before some invalidations
                    await redis.KillAsync();
                    await Task.Delay(random.Next(1, 300));
                    await redis.StartAgainAsync();
                    break;
                case 1:
                    await redis.SendAsync("CLIENT KILL TYPE normal SKIPME yes");
                    break;
                case 2:
                    await redis.SendAsync("FLUSHALL");
                    break;
                case 3:
                    await redis.KillAsync();
                    redis.Empty();
                    await redis.StartAgainAsync();
                    break;
                case 4:
                    redis.Suspend();
                    await Task.Delay(random.Next(100, 800));
                    redis.Resume();
                    break;
                default: // a node that sleeps through its lease
                    var node = nodes[random.Next(nodes.Count)];
                    await node.SuspendAsync();
                    await Task.Delay(random.Next(100, 800));
                    await node.ResumeAsync();
                    break;
            }
        }
    }
}
