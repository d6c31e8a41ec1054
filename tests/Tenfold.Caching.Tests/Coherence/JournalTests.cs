using Tenfold.Caching.Coherence;

namespace Tenfold.Caching.Tests.Coherence;

public sealed class JournalTests
{
    [Fact]
    public void The_gate_opens_only_when_nothing_is_pending()
    {
        var journal = new Journal(10);
        Assert.True(journal.TryOpen(() => true));
        journal.Add(new PendingInvalidation("p", "a"));
        Assert.False(journal.IsOpen);
        Assert.False(journal.TryOpen(() => true));

        var told = journal.Peek(out var upTo);
        Assert.Equal([new PendingInvalidation("p", "a")], told);
        journal.Add(new PendingInvalidation("p", "b"));
        journal.Acknowledge(upTo);
        Assert.False(journal.TryOpen(() => true));
        Assert.Equal([new PendingInvalidation("p", "b")], journal.Peek(out upTo));
        journal.Acknowledge(upTo);
        Assert.False(journal.TryOpen(() => false));
        Assert.True(journal.TryOpen(() => true));
    }

    [Fact]
    public void One_that_comes_again_while_it_is_told_is_told_again()
    {
        var journal = new Journal(10);
        journal.Add(new PendingInvalidation("p", "a"));
        journal.Peek(out var upTo);
        journal.Add(new PendingInvalidation("p", "a"));
        journal.Acknowledge(upTo);

        Assert.Equal(1, journal.Count);
    }

    [Fact]
    public void More_than_it_holds_stand_for_everything()
    {
        var journal = new Journal(2);
        foreach (var name in new[] { "a", "b", "b", "c", "d" })
        {
            journal.Add(new PendingInvalidation("p", name));
        }

        Assert.Null(journal.Peek(out var upTo));
        Assert.Equal(2, journal.Count);
        journal.Acknowledge(upTo);
        Assert.True(journal.TryOpen(() => true));
    }

    [Fact]
    public void A_breaker_pauses_after_failures_in_a_row_and_tries_again()
    {
        var time = new Support.SetTime();
        var breaker = new Breaker(3, TimeSpan.FromSeconds(1), time);
        breaker.Failed();
        breaker.Failed();
        breaker.Succeeded();
        breaker.Failed();
        breaker.Failed();
        Assert.True(breaker.Allows);
        Assert.True(breaker.TryEnter());
        Assert.True(breaker.TryEnter());
        breaker.Failed();
        Assert.False(breaker.Allows);
        Assert.False(breaker.TryEnter());
        time.Advance(TimeSpan.FromSeconds(1.1));
        Assert.True(breaker.Allows);
        Assert.Equal([true, false, false], new[] { breaker.TryEnter(), breaker.TryEnter(), breaker.TryEnter() });
        breaker.Failed();
        Assert.False(breaker.Allows);
        time.Advance(TimeSpan.FromSeconds(1.1));
        breaker.Succeeded();
        Assert.True(breaker.Allows);
    }

    [Fact]
    public void A_lease_ends_with_its_epoch()
    {
        var lease = new Lease();
        lease.Prolong(0, 100);
        Assert.True(lease.Covers(0, lease.Until, 99));
        Assert.False(lease.Covers(0, lease.Until, 100));
        lease.EndEpoch();
        lease.Prolong(0, 200); // an answer from the connection before
        Assert.False(lease.Covers(0, lease.Until, 50));
        Assert.False(lease.Covers(1, lease.Until, 50));
        lease.Prolong(1, 200);
        Assert.True(lease.Covers(1, lease.Until, 150));
        Assert.False(lease.Covers(0, lease.Until, 150));
        var before = lease.Until;
        lease.Prolong(1, 300);
        Assert.False(lease.Covers(1, before, 250)); // of an entry that was fetched before
        var untracked = lease.UntrackedEpoch;
        Assert.True(lease.Covers(untracked, lease.Until, 1000));
        lease.EndUntracked();
        Assert.False(lease.Covers(untracked, lease.Until, 0));
    }

    [Fact]
    public void A_tag_that_is_forgotten_stays_unknown_whoever_writes_to_it()
    {
        var tag = new TagState("tag") { Generation = 7 };
        var stamp = new TagStamp([tag], [7]);
        Assert.True(stamp.Holds());
        tag.Retire();
        tag.Generation = 7;
        Assert.False(stamp.Holds());
    }

    [Fact]
    public void A_run_changes_with_the_server_and_with_the_primaries_of_a_cluster_but_not_with_their_slots()
    {
        const string Cluster = """
            aa 127.0.0.1:1@1 myself,master - 0 0 1 connected 0-5460
            cc 127.0.0.1:3@3 slave aa 0 0 1 connected
            bb 127.0.0.1:2@2 master - 0 0 2 connected 5461-16383
            dd 127.0.0.1:4@4 master - 0 0 3 connected

            """;
        Assert.Equal("aa bb", ServerRun.OfCluster(Cluster));
        Assert.Equal("aa bb", ServerRun.OfCluster(Cluster.Replace("0-5460", "0-10 [11->-bb]", StringComparison.Ordinal)));
        Assert.Equal("bb cc", ServerRun.OfCluster(Cluster.Replace("aa 127.0.0.1:1@1 myself,master", "aa 127.0.0.1:1@1 myself,slave", StringComparison.Ordinal).Replace("slave aa 0 0 1 connected", "master - 0 0 4 connected 0-5460", StringComparison.Ordinal)));
        Assert.Equal("abc", ServerRun.OfServer("# Server\r\nrun_id:abc\r\ntcp_port:1"));
    }
}
