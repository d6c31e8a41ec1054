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
        _memory.Merge(0, Caller.Of("ann"), new GcraState(5, 7));

        Assert.Equal(new GcraState(5, 7), _memory.Read(0, Caller.Of("ann")));
        Assert.Equal(default, _memory.Read(1, Caller.Of("ann")));
        Assert.Equal(default, _memory.Read(0, Caller.Of("bob")));
    }

    [Fact]
    public void Answers_may_come_in_any_order()
    {
        _memory.Merge(0, Caller.Everyone, new GcraState(9, 0));
        _memory.Merge(0, Caller.Everyone, new GcraState(5, 7));

        Assert.Equal(new GcraState(9, 7), _memory.Read(0, Caller.Everyone));
    }

    [Fact]
    public void A_flood_of_strangers_does_not_push_out_who_is_over()
    {
        for (var i = 0; i < 100; i++)
        {
            _memory.Merge(0, Caller.Of($"over-{i}"), new GcraState(1_000_000 + i, 0));
        }

        for (var i = 0; i < 100_000; i++)
        {
            _memory.Merge(0, Caller.Of(new IPAddress(i)), new GcraState(i, 0));
        }

        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(1_000_000 + i, _memory.Read(0, Caller.Of($"over-{i}")).Arrival));
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
                _memory.Merge(i % 3, caller, new GcraState(i, 0));
                _memory.Read(i % 3, caller);
            }
        }
    }
}
