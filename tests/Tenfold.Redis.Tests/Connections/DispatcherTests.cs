using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Connections;

[Collection(nameof(Alone))]
public sealed class DispatcherTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task A_command_allocates_nothing_but_its_result()
    {
        await using var client = new RedisClient(RedisOptions.Parse(fixture.Server.Url) with { ConnectionsPerNode = 1 });
        RedisKey key = "allocations".Utf8();
        await client.SetAsync(key, new byte[8]);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => RunAsync(1000)));
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => RunAsync(2000)));
        var each = (GC.GetTotalAllocatedBytes(precise: true) - before) / (16.0 * 2000 * 2);
        Assert.InRange(each, 0, 40); // an array of 8 bytes is 32

        async Task RunAsync(int times)
        {
            for (var i = 0; i < times; i++)
            {
                await client.GetAsync(key);
                await client.TimeToLiveAsync(key); // no result on the heap
            }
        }
    }

    [Fact]
    public async Task Code_that_blocks_after_an_answer_does_not_keep_others_from_theirs()
    {
        using var go = new ManualResetEventSlim();
        using var blocked = new CountdownEvent(3);
        var blocking = Enumerable.Range(0, 3).Select(async _ =>
        {
            await fixture.Client.PingAsync();
            blocked.Signal();
            go.Wait();
        }).ToArray();
        var others = Enumerable.Range(0, 200).Select(async i =>
        {
            await fixture.Client.PingAsync();
            Assert.Equal($"{i}", (await fixture.Client.ExecuteAsync(["ECHO", i])).Text);
        }).ToArray();
        await Task.WhenAll(others).WaitAsync(Eventually.Patience);
        go.Set();
        await Task.WhenAll(blocking);
    }
}

/// <summary>Alone, because it looks at the whole process.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
