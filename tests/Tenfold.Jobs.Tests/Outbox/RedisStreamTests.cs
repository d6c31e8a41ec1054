using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Tenfold.Jobs.Outbox;
using Tenfold.Redis;
using Tenfold.TestSupport;

namespace Tenfold.Jobs.Tests.Outbox;

public sealed class RedisStreamTests
{
    [Fact]
    public async Task An_entry_carries_the_jobs_number_and_the_stream_stays_short()
    {
        await using var server = await RedisServer.StartAsync();
        await using var redis = new RedisClient(RedisOptions.Parse(server.Url));
        await using var services = new ServiceCollection().AddSingleton(redis).BuildServiceProvider();
        var handler = new RedisStreamHandler(services);

        for (var i = 0; i < 300; i++)
        {
            await handler.HandleAsync(new RedisStreamEntry { Stream = "orders", Fields = new Dictionary<string, string> { ["order"] = $"{i}" }, MostEntries = 10 }, new AJob(default), default);
        }

        var length = (await redis.ExecuteAsync(["XLEN", "orders"])).Integer;
        Assert.InRange(length, 10, 299);
        var last = (await redis.ExecuteAsync(["XREVRANGE", "orders", "+", "-", "COUNT", "1"])).Items.Span[0].Items.Span[1].Items;
        Assert.Equal(["job", "7000", "order", "299"], last.ToArray().Select(field => Encoding.UTF8.GetString(field.Bytes!)));
    }

    [Fact]
    public async Task What_cannot_be_added_says_why()
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        var handler = new RedisStreamHandler(services);

        var clash = await Assert.ThrowsAsync<JobFailedException>(() => handler.HandleAsync(Entry("job"), new AJob(default), default));
        var missing = await Assert.ThrowsAsync<InvalidOperationException>(() => handler.HandleAsync(Entry("a"), new AJob(default), default));

        Assert.Contains("the field 'job' is the job's number", clash.Message, StringComparison.Ordinal);
        Assert.Contains("no Redis", missing.Message, StringComparison.Ordinal);

        static RedisStreamEntry Entry(string field) => new() { Stream = "orders", Fields = new Dictionary<string, string> { [field] = "1" } };
    }
}
