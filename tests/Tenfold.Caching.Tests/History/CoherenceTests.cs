using System.Diagnostics;
using Tenfold.Caching.TestHost;
using Tenfold.Caching.Tests.Support;
using Tenfold.TestSupport;

namespace Tenfold.Caching.Tests.History;

/// <summary>Four processes on one Redis that is killed, emptied, flushed, frozen and cut off, and a checker over what they saw.</summary>
public sealed class CoherenceTests(ITestOutputHelper output)
{
    private const int Nodes = 4;

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
        var history = await RunAsync(TimeSpan.FromSeconds(2), coherent: false, faults: false);

        var violations = HistoryChecker.Check(history, Bound);

        output.WriteLine($"{violations.Count} violations, such as {(violations.Count > 0 ? violations[0] : null)}");
        Assert.NotEmpty(violations);
    }

    private async Task Holds(TimeSpan time)
    {
        var history = await RunAsync(time, coherent: true, faults: true);

        var violations = HistoryChecker.Check(history, Bound);

        var late = HistoryChecker.Check(history, TimeSpan.Zero).Select(v => v.Late / 1e6).Order().ToArray();
        output.WriteLine($"within the bound of {Bound.TotalMilliseconds} ms: {late.Length} reads of values already invalidated, the latest {late.LastOrDefault():0.0} ms");
        // Ten times as many on an idle machine of two cores.
        Assert.True(history.Count(e => e.Kind == 'R') > 100 * time.TotalSeconds, "too few reads to say anything");
        Assert.True(history.Count(e => e.Kind == 'I') > 5 * time.TotalSeconds, "too few invalidations to say anything");
        Assert.True(violations.Count == 0, $"{violations.Count} violations:\n{string.Join('\n', violations.Take(10))}");
    }

    private async Task<IReadOnlyList<HistoryEvent>> RunAsync(TimeSpan time, bool coherent, bool faults)
    {
        await using var redis = await RedisServer.StartAsync("--appendonly", "yes", "--appendfsync", "everysec");
        var folder = Directory.CreateTempSubdirectory("tenfold-history-");
        var nodes = new List<NodeProcess>();
        try
        {
            for (var i = 0; i < Nodes; i++)
            {
                nodes.Add(new NodeProcess(
                    "history", $"{i}", redis.Url, Path.Combine(folder.FullName, "source"), Path.Combine(folder.FullName, $"{i}"), $"{time.TotalSeconds:0}", coherent ? "true" : "false", $"{Bound.TotalMilliseconds:0}", $"{i * 1000}"));
            }

            foreach (var node in nodes)
            {
                await node.ReadyAsync();
            }

            foreach (var node in nodes)
            {
                await node.SayAsync("go");
            }

            if (faults)
            {
                await DisturbAsync(redis, nodes, time - TimeSpan.FromSeconds(1), new Random(7));
            }

            foreach (var node in nodes)
            {
                output.WriteLine(await node.EndedAsync());
            }

            return [.. nodes.SelectMany((_, i) => File.ReadLines(Path.Combine(folder.FullName, $"{i}"))).Select(HistoryEvent.Parse)];
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }

            folder.Delete(recursive: true);
        }
    }

    private static async Task DisturbAsync(RedisServer redis, List<NodeProcess> nodes, TimeSpan time, Random random)
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
