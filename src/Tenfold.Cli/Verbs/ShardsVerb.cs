using System.CommandLine;
using Tenfold.Cli.Edge;
using Tenfold.Cli.Sharding;
using Tenfold.Guide;
using Tenfold.Postgres.Moves;
using Tenfold.Postgres.Shards;

namespace Tenfold.Cli.Verbs;

/// <summary><c>tenfold shards SYSTEM [move BUCKETS --to N | rebalance | resume | clean]</c>.</summary>
internal static class ShardsVerb
{
    public static Command Create(Shell shell)
    {
        var system = Systems.Argument();
        var store = new Option<string?>("--store") { Description = "The store, when the system has several PostgreSQL", Recursive = true };
        var json = new Option<bool>("--json") { Description = "Print JSON", Recursive = true };
        var command = new Command("shards", "Show the buckets of a sharded store and where they are; move them while it is used") { system, store, json };
        var keep = new Option<string?>("--keep") { Description = "How long moved rows stay at their old place, for reads that began before the switch; default 30s", Recursive = true };
        command.Add(keep);
        command.SetAction((parsed, cancel) => WithStoreAsync(parsed, null, (sharded, token) => ShardsReport.WriteAsync(shell, sharded, parsed.GetValue(json), token), cancel));

        var buckets = new Argument<string>("BUCKETS") { Description = "Buckets: 5 or 3,7,10-20" };
        var to = new Option<int>("--to") { Description = "Number of the database that they go to", Required = true };
        var move = new Command("move", "Move buckets to a database; interrupted, run it again") { buckets, to };
        move.SetAction((parsed, cancel) => MoveAsync(parsed, (mover, token) => mover.MoveAsync(BucketList.Parse(parsed.GetRequiredValue(buckets)), parsed.GetValue(to), token), cancel));

        var threshold = new Option<double>("--threshold") { Description = "Accepted distance from the mean, in percent", DefaultValueFactory = _ => Rebalance.DefaultThreshold * 100 };
        var rebalance = new Command("rebalance", "Move buckets so that all databases carry about the same; ones that the guide has (shards) and that do not run yet are started first") { threshold };
        rebalance.SetAction((parsed, cancel) => MoveAsync(parsed, (mover, token) => mover.RebalanceAsync(parsed.GetValue(threshold) / 100, token), cancel, grows: true));

        var resume = new Command("resume", "Finish moves that were interrupted");
        resume.SetAction((parsed, cancel) => MoveAsync(parsed, (mover, token) => mover.ResumeAsync(token), cancel));

        var clean = new Command("clean", "Remove what abandoned moves have left; one past the point of no return is finished");
        clean.SetAction((parsed, cancel) => MoveAsync(
            parsed,
            async (mover, token) =>
            {
                var done = await mover.CleanAsync(token);
                foreach (var line in done.DefaultIfEmpty("nothing was left"))
                {
                    Progress(parsed).WriteLine(line);
                }
            },
            cancel));
        foreach (var sub in new[] { move, rebalance, resume, clean })
        {
            command.Add(sub);
        }

        return command;

        TextWriter Progress(ParseResult parsed) => parsed.GetValue(json) ? shell.Error : shell.Out;

        async Task<int> WithStoreAsync(ParseResult parsed, Action<string>? grow, Func<ShardedStore, CancellationToken, Task> work, CancellationToken cancel)
        {
            await using var sharded = await RunningStore.OpenAsync(shell, parsed.GetRequiredValue(system), parsed.GetValue(store), grow, cancel);
            await work(sharded, cancel);
            return ExitCode.Fine;
        }

        Task<int> MoveAsync(ParseResult parsed, Func<BucketMover, CancellationToken, Task> work, CancellationToken cancel, bool grows = false) => WithStoreAsync(
            parsed,
            grows ? Progress(parsed).WriteLine : null,
            async (sharded, token) =>
            {
                await work(new BucketMover(sharded, new MoveOptions { DropDelay = Keep(parsed.GetValue(keep)) }, new MovePrinter(Progress(parsed), shell.Time).Print), token);
                await ShardsReport.WriteAsync(shell, sharded, parsed.GetValue(json), token);
            },
            cancel);
    }

    private static TimeSpan Keep(string? text) =>
        text is null ? new MoveOptions().DropDelay
        : Duration.TryParse(text, out var keep, out var error) ? keep
        : throw new UsageException($"--keep: {error}");
}
