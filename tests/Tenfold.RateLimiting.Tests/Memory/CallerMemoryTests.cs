using System.Net;
using Tenfold.RateLimiting.Arithmetic;
using Tenfold.RateLimiting.Memory;

namespace Tenfold.RateLimiting.Tests.Memory;

public sealed class CallerMemoryTests
{
    private readonly CallerMemory _memory = new(1024, new Random(1));

    [Fact]
    public void What_is_learnt_of_a_caller_is_known_of_it_alone()
    {
        Learn(0, Caller.Of("ann"), 5, 7);

        Assert.Equal(new GcraState(5, 7), _memory.Read(0, Caller.Of("ann")));
        Assert.Equal(default, _memory.Read(1, Caller.Of("ann")));
        Assert.Equal(default, _memory.Read(0, Caller.Of("bob")));
    }

    [Fact]
    public void Answers_may_come_in_any_order()
    {
        Learn(0, Caller.Everyone, 9, 0);
        Learn(0, Caller.Everyone, 5, 7);

        Assert.Equal(new GcraState(9, 7), _memory.Read(0, Caller.Everyone));
    }

    [Fact]
    public void An_answer_that_insurance_has_overtaken_takes_nothing_back()
    {
        Learn(0, Caller.Everyone, 100, 0);
        _memory.Spend(0, Caller.Everyone, now: 10, used: 5, insured: 50);

        Learn(0, Caller.Everyone, 110, 0);

        Assert.Equal(115, _memory.Read(0, Caller.Everyone).Arrival);
    }

    [Fact]
    public void What_insurance_let_through_is_told_once_and_only_as_far_as_it_is_not_earned_back()
    {
        Learn(0, Caller.Everyone, 100, 0);
        _memory.Spend(0, Caller.Everyone, now: 10, used: 30, insured: 30);

        Assert.Equal(new Telling(90, 0, 0), _memory.Take(0, Caller.Everyone, now: 10, all: false));
        Assert.Equal(new Telling(90, 30, 0), _memory.Take(0, Caller.Everyone, now: 10, all: true));
        Assert.Equal(new Telling(120, 0, 0), _memory.Take(0, Caller.Everyone, now: 10, all: true));
        _memory.Spend(0, Caller.Everyone, now: 130, used: 30, insured: 30);
        Assert.Equal(new Telling(0, 10, 0), _memory.Take(0, Caller.Everyone, now: 150, all: true));
    }

    [Fact]
    public void A_share_is_used_up_faster_than_the_limit()
    {
        _memory.Spend(0, Caller.Everyone, now: 10, used: 5, insured: 50);

        Assert.Equal((15, 60), (_memory.Read(0, Caller.Everyone).Arrival, _memory.ReadInsured(0, Caller.Everyone).Arrival));
    }

    [Fact]
    public void A_flood_of_strangers_does_not_push_out_who_is_over()
    {
        for (var i = 0; i < 100; i++)
        {
            Learn(0, Caller.Of($"over-{i}"), 1_000_000 + i, 0);
        }

        for (var i = 0; i < 100_000; i++)
        {
            Learn(0, Caller.Of(new IPAddress(i)), i, 0);
        }

        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(1_000_000 + i, _memory.Read(0, Caller.Of($"over-{i}")).Arrival));
    }

    [Fact]
    public void What_insurance_lets_through_is_remembered_even_of_one_who_has_used_up_less_than_everybody_else()
    {
        for (var i = 0; i < 100_000; i++)
        {
            Learn(0, Caller.Of(new IPAddress(i)), 1_000_000 + i, 0);
        }

        _memory.Spend(0, Caller.Of("new"), now: 10, used: 5, insured: 5);

        Assert.Equal(15, _memory.ReadInsured(0, Caller.Of("new")).Arrival);
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        var caller = Caller.Of(IPAddress.Loopback);
        Use();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Use();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Use()
        {
            for (var i = 0; i < 1000; i++)
            {
                Learn(i % 3, caller, i, 0);
                _memory.Take(i % 3, caller, i, all: true);
                _memory.Read(i % 3, caller);
            }
        }
    }

    private void Learn(int limit, Caller caller, long arrival, long blockedUntil) => _memory.Learn(limit, caller, 0, new GcraVerdict(0, arrival, blockedUntil));
}
