using FsCheck;
using FsCheck.Fluent;
using Tenfold.Runtime.Stores;

namespace Tenfold.Runtime.Tests.Stores;

public sealed class FailoverRulesTests
{
    private const long Mebibyte = 1 << 20;
    private static readonly FailoverLimits Limits = new();

    [Theory]
    [InlineData(0, 0, false)] // answers
    [InlineData(3, 3, false)] // started again in place, as a rule
    [InlineData(60, 1, false)] // this process itself was not running
    [InlineData(5, 5, true)]
    public void A_primary_is_replaced_when_it_has_been_silent_for_long_and_was_asked_often(int seconds, int unanswered, bool replaced) =>
        Assert.Equal(replaced ? PrimaryAction.Promote : PrimaryAction.None, Decide(Silent(0, seconds, unanswered), [Well(1, 100 * Mebibyte)], synchronous: false).Action);

    [Fact]
    public void A_replica_that_lacks_much_does_not_take_over_and_of_several_it_is_the_one_with_most()
    {
        Assert.Equal(PrimaryAction.Restart, Decide(Silent(0, 9, 9), [Well(1, 83 * Mebibyte), Silent(2, 9, 9)], synchronous: false).Action);
        var (action, candidates) = Decide(Silent(0, 9, 9), [Well(1, 99 * Mebibyte), Well(2, 100 * Mebibyte), Well(3, 1)], synchronous: false);
        Assert.Equal((PrimaryAction.Promote, "1 2"), (action, string.Join(' ', candidates)));
        Assert.Equal(2, FailoverRules.Best([Well(1, 99 * Mebibyte), Well(2, 100 * Mebibyte)]));
    }

    [Fact]
    public void With_synchronous_replication_nobody_takes_over_unless_every_replica_that_may_hold_a_commit_alone_is_seen()
    {
        Assert.Equal(PrimaryAction.Promote, Decide(Silent(0, 9, 9), [Well(1, 1), Well(2, 1)], synchronous: true, 1, 2).Action);
        Assert.Equal(PrimaryAction.Restart, Decide(Silent(0, 9, 9), [Well(1, 1), Silent(2, 9, 9)], synchronous: true, 1, 2).Action);
        Assert.Equal(PrimaryAction.Restart, Decide(Silent(0, 9, 9), [Well(1, 100 * Mebibyte)], synchronous: true).Action); // commits did not wait for it
    }

    [Fact]
    public void A_replica_is_started_again_wound_back_or_copied_by_what_ails_it()
    {
        var well = new ReplicaView(Well(1, 1), IsStarted: true, StorePhase.Ready, HasData: true, TimeSpan.Zero, SlotIsLost: false, Repairs: 0);
        Assert.Equal(ReplicaAction.None, Decide(well));
        Assert.Equal(ReplicaAction.Restart, Decide(well with { Node = Silent(1, 9, 9) }));
        Assert.Equal(ReplicaAction.None, Decide(well with { Node = Silent(1, 90, 90), Phase = StorePhase.Starting })); // it recovers
        Assert.Equal(ReplicaAction.None, Decide(well with { NotFedFor = TimeSpan.FromSeconds(9) }));
        Assert.Equal(ReplicaAction.Rewind, Decide(well with { NotFedFor = TimeSpan.FromSeconds(10) }));
        Assert.Equal(ReplicaAction.Copy, Decide(well with { NotFedFor = TimeSpan.FromSeconds(10), Repairs = 1 }));
        Assert.Equal(ReplicaAction.Copy, Decide(well with { SlotIsLost = true }));
        Assert.Equal(ReplicaAction.Copy, Decide(well with { Phase = StorePhase.CrashLoop }));
        Assert.Equal(ReplicaAction.Copy, Decide(well with { HasData = false, IsStarted = false }));
        Assert.Equal(ReplicaAction.None, FailoverRules.Decide(well with { HasData = false }, primaryAnswers: false, Limits));

        static ReplicaAction Decide(ReplicaView view) => FailoverRules.Decide(view, primaryAnswers: true, Limits);
    }

    /// <summary>
    /// A model: commits are answered when one of the set names has them. Whatever comes and goes, and whenever the host is killed
    /// between writing the record and setting the names, every answered commit is on one of the recorded replicas, or none is recorded.
    /// </summary>
    [Fact]
    public void Every_answered_commit_is_on_one_of_the_recorded_replicas() => Prop.ForAll(
        Gen.Choose(0, int.MaxValue).ToArbitrary(),
        seed =>
        {
            var random = new Random(seed);
            List<int> names = [], recorded = [];
            var has = new HashSet<int>[4]; // commits on each replica
            Array.ForEach([0, 1, 2, 3], i => has[i] = []);
            var answered = 0;
            var mark = 0;
            for (var step = 0; step < 60; step++)
            {
                var wanted = Enumerable.Range(1, 3).Where(_ => random.Next(3) > 0).ToList();
                var caughtUp = random.Next(2) == 0;
                if (caughtUp && names.SequenceEqual(wanted))
                {
                    names.ForEach(name => has[name].UnionWith(Enumerable.Range(0, mark)));
                }

                var next = SynchronousRule.Next(wanted, names, recorded, caughtUp && names.SequenceEqual(wanted));
                recorded = [.. next.Record ?? recorded];
                if (next.Names is not null && random.Next(4) > 0) // else killed in between
                {
                    names = [.. next.Names];
                    mark = answered;
                }

                for (var i = random.Next(3); i > 0; i--)
                {
                    if (names.Count > 0)
                    {
                        has[names[random.Next(names.Count)]].Add(answered);
                    }

                    answered++;
                }

                if (recorded.Count > 0 && Enumerable.Range(0, answered).Any(commit => !recorded.Exists(name => has[name].Contains(commit))))
                {
                    return false;
                }
            }

            return true;
        }).QuickCheckThrowOnFailure();

    private static (PrimaryAction Action, IReadOnlyList<int> Candidates) Decide(NodeView primary, NodeView[] replicas, bool synchronous, params int[] synced) =>
        FailoverRules.Decide(primary, replicas, synchronous, synced, Limits);

    private static NodeView Well(int index, long received) => new(index, Answers: true, TimeSpan.Zero, 0, received);

    private static NodeView Silent(int index, int seconds, int unanswered) => new(index, unanswered == 0, TimeSpan.FromSeconds(seconds), unanswered, 100 * Mebibyte);
}
