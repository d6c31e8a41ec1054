using Tenfold.Guide;
using Tenfold.Runtime.Scaling;
using Tenfold.Runtime.Stores;
using Tenfold.Runtime.Tests.Instances;

namespace Tenfold.Runtime.Tests.Scaling;

public sealed class QueueWatchTests : SupervisedTests
{
    // Its counter is whatever the file says.
    private const string Worker = """
        const server = require('http').createServer((request, response) =>
          response.end(`tenfold_jobs_completed_total{queue="mail"} ${require('fs').readFileSync('count', 'utf8')}\n`));
        server.listen(process.env.PORT, '127.0.0.1');
        """;

    private readonly SetTime _time = new();
    private Func<IReadOnlyList<DatabaseAccess>> _databases = () => [];

    [Fact]
    public async Task What_was_done_while_the_database_did_not_answer_is_seen_when_it_does_again()
    {
        Folder.Write("worker.js", Worker);
        Folder.Write("count", "10");
        var worker = Supervise(new Service(), command: ["node", "worker.js"]);
        await worker.StartAsync(Generous);
        var watch = new QueueWatch(["mail"], worker, () => _databases(), _time);
        await DoneAsync(watch);

        Folder.Write("count", "100");
        _databases = () => throw new InvalidOperationException("it restarts");
        await Assert.ThrowsAsync<InvalidOperationException>(() => LookAsync(watch));

        _databases = () => [];
        Assert.InRange(await DoneAsync(watch), 1, 90);
    }

    /// <summary>Jobs done a second by the first look that could tell: a busy machine may not answer in time.</summary>
    private async Task<double> DoneAsync(QueueWatch watch)
    {
        var limit = Generous;
        while (true)
        {
            limit.ThrowIfCancellationRequested();
            await LookAsync(watch);
            if (watch.Latest()["mail"].Done is { } done)
            {
                return done;
            }
        }
    }

    private Task LookAsync(QueueWatch watch)
    {
        _time.Advance(TimeSpan.FromSeconds(1));
        return watch.LookAsync(Generous);
    }
}
