using Tenfold.Caching.TestHost;
using Tenfold.Caching.Tests.Support;

namespace Tenfold.Caching.Tests.History;

/// <summary>Four processes that read, write and invalidate at random, while something is done to their Redis.</summary>
internal static class HistoryRun
{
    private const int Nodes = 4;

    /// <returns>What they saw.</returns>
    public static async Task<IReadOnlyList<HistoryEvent>> RunAsync(
        string redis, TimeSpan time, TimeSpan bound, bool coherent, Func<IReadOnlyList<NodeProcess>, Task> disturb, ITestOutputHelper output)
    {
        var folder = Directory.CreateTempSubdirectory("tenfold-history-");
        var nodes = new List<NodeProcess>();
        try
        {
            for (var i = 0; i < Nodes; i++)
            {
                nodes.Add(new NodeProcess(
                    "history", $"{i}", redis, Path.Combine(folder.FullName, "source"), Path.Combine(folder.FullName, $"{i}"), $"{time.TotalSeconds:0}", coherent ? "true" : "false", $"{bound.TotalMilliseconds:0}", $"{i * 1000}"));
            }

            foreach (var node in nodes)
            {
                await node.ReadyAsync();
            }

            foreach (var node in nodes)
            {
                await node.SayAsync("go");
            }

            await disturb(nodes);
            foreach (var node in nodes)
            {
                output.WriteLine(await node.EndedAsync());
            }

            IReadOnlyList<HistoryEvent> history = [.. nodes.SelectMany((_, i) => File.ReadLines(Path.Combine(folder.FullName, $"{i}"))).Select(HistoryEvent.Parse)];
            Assert.True(history.Count(e => e.Kind == 'R') >= Nodes * CacheNode.LeastReads, "too few reads to say anything");
            Assert.True(history.Count(e => e.Kind == 'I') >= 20, "too few invalidations to say anything");
            return history;
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
}
