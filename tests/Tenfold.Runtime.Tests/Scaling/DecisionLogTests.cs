using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.State;
using Tenfold.Scaling;

namespace Tenfold.Runtime.Tests.Scaling;

public sealed class DecisionLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public DecisionLogTests() => State.Create();

    private SystemState State => SystemState.At(_folder["shop"], "shop");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_next_run_goes_on_where_the_last_one_ended()
    {
        var first = await AddAsync("api", Of(2, 4));
        await using var log = new DecisionLog(State);
        var second = log.Add("web", Of(4, 2));
        Assert.Equal([first, second], log.After(0));
        Assert.Equal([second], log.After(first.Number));
        Assert.Equal([first], log.After(0, "api"));
        await log.DisposeAsync();
        Assert.Equal([first, second], DecisionLog.Read(State));
        Assert.Equal(("out", "in", 1L, 2L), (first.Direction, second.Direction, first.Number, second.Number));
    }

    [Fact]
    public async Task Memory_and_file_are_bounded_over_any_number_of_runs()
    {
        for (var run = 0; run < 5; run++)
        {
            await using var log = new DecisionLog(State);
            for (var i = 0; i < DecisionLog.Kept / 2 + 10; i++)
            {
                log.Add("api", Of(i, i + 1));
            }

            await log.DisposeAsync();
            Assert.Equal(log.After(0), DecisionLog.Read(State));
        }

        Assert.Equal(DecisionLog.Kept, DecisionLog.Read(State).Count);
        Assert.InRange(File.ReadLines(LogPath).Count(), DecisionLog.Kept, 2 * DecisionLog.Kept);
    }

    [Fact]
    public async Task A_line_that_was_cut_off_is_left_out_and_a_file_that_is_not_there_is_empty()
    {
        Assert.Empty(DecisionLog.Read(SystemState.At(_folder["other"], "other")));
        var first = await AddAsync("api", Of(2, 4));
        await File.AppendAllTextAsync(LogPath, "{\"number\":2,\"at\n");
        Assert.Equal([first], DecisionLog.Read(State));
    }

    private async Task<ScalingDecision> AddAsync(string service, Decision decision)
    {
        await using var log = new DecisionLog(State);
        return log.Add(service, decision);
    }

    private string LogPath => Path.Combine(State.Logs, "decisions.jsonl");

    private static Decision Of(int from, int to) => new(DateTimeOffset.UnixEpoch, from, to, to, ScalingLimit.None, "cpu at 91% of 70%");
}
