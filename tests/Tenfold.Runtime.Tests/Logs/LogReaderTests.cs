using Tenfold.Runtime.Logs;

namespace Tenfold.Runtime.Tests.Logs;

public sealed class LogReaderTests : IDisposable
{
    private static readonly TimeSpan Generous = TimeSpan.FromSeconds(20);
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("api-1", null, true)]
    [InlineData("api-1", "api", true)]
    [InlineData("api-12", "api-1", false)]
    [InlineData("api-1", "api-1", true)]
    [InlineData("api-worker", "api", false)]
    [InlineData("api-worker-2", "api-worker", true)]
    [InlineData("main", "main", true)]
    [InlineData("main", "cache", false)]
    public void A_word_means_an_instance_a_store_or_all_instances_of_a_service(string source, string? word, bool meant) =>
        Assert.Equal(meant, LogReader.IsMeant(source, word));

    [Fact]
    public void Last_merges_logs_by_time()
    {
        _folder.Write("api-1.log", "2026-01-01T00:00:01.000Z out one\n2026-01-01T00:00:03.000Z out three\n");
        _folder.Write("api-2.log", "2026-01-01T00:00:02.000Z host two\n2026-01-01T00:00:04.000Z host four\n");
        Assert.Equal(["two", "three", "four"], LogReader.Last(_folder.Path, "api", 3).Select(line => line.Line.Text));
    }

    [Fact]
    public async Task Following_misses_nothing_over_rotations_and_sees_new_logs()
    {
        using var cancel = new CancellationTokenSource(Generous);
        _folder.Write("api-1.log", "2026-01-01T00:00:01.000Z out before\n");
        var one = new LogFile(_folder["api-1.log"], TimeProvider.System, new LogLimits(Bytes: 50_000));
        LogFile? two = null;
        var seen = new List<SourcedLine>();
        await foreach (var line in LogReader.FollowAsync(_folder.Path, "api", 10, TimeProvider.System, cancel.Token))
        {
            seen.Add(line);
            if (seen.Count == 1)
            {
                for (var i = 0; i < 2000; i++)
                {
                    one.Write(LogOrigin.Out, $"line {i}");
                }

                two = new LogFile(_folder["api-2.log"], TimeProvider.System);
                two.Write(LogOrigin.Host, "late");
            }

            if (seen.Count == 2002)
            {
                break;
            }
        }

        Assert.Equal(["before", .. Enumerable.Range(0, 2000).Select(i => $"line {i}")], seen.Where(line => line.Source == "api-1").Select(line => line.Line.Text));
        Assert.Equal("late", Assert.Single(seen, line => line.Source == "api-2").Line.Text);
        await one.DisposeAsync();
        await two!.DisposeAsync();
    }
}
