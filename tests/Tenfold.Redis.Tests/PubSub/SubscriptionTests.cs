using System.Threading.Channels;
using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.PubSub;

public sealed class SubscriptionTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private readonly RedisClient _client = fixture.Client;

    [Fact]
    public async Task Messages_come_in_order_until_the_subscription_is_disposed()
    {
        var heard = Channel.CreateUnbounded<string>();
        var subscription = await _client.SubscribeAsync("news", message => heard.Writer.WriteAsync(message.Payload.ToArray().Utf8()!));
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(1, await _client.PublishAsync("news", $"{i}".Utf8()));
        }

        for (var i = 0; i < 100; i++)
        {
            Assert.Equal($"{i}", await heard.Reader.ReadAsync().AsTask().WaitAsync(Eventually.Patience));
        }

        await subscription.DisposeAsync();
        await Eventually.IsTrueAsync(async () => await _client.PublishAsync("news", "late".Utf8()) == 0, "unsubscribed");
    }

    [Fact]
    public async Task A_pattern_brings_the_channel_with_each_message()
    {
        var heard = Channel.CreateUnbounded<RedisMessage>();
        await using var subscription = await _client.SubscribePatternAsync("room.*", message => heard.Writer.WriteAsync(message));
        await _client.PublishAsync("room.1", "hello".Utf8());
        var message = await heard.Reader.ReadAsync().AsTask().WaitAsync(Eventually.Patience);
        Assert.Equal(("room.1", "hello"), (message.Channel, message.Payload.ToArray().Utf8()));
    }

    [Fact]
    public async Task A_lost_connection_is_replaced_and_subscribed_again()
    {
        var heard = Channel.CreateUnbounded<RedisMessage>();
        await using var subscription = await _client.SubscribeAsync("again", message => heard.Writer.WriteAsync(message));
        await _client.ExecuteAsync(["CLIENT", "KILL", "TYPE", "pubsub"]);
        await Eventually.IsTrueAsync(async () => await _client.PublishAsync("again", "1".Utf8()) == 1, "subscribed again");
        await heard.Reader.ReadAsync().AsTask().WaitAsync(Eventually.Patience);
    }

    [Fact]
    public async Task A_subscription_that_Redis_refuses_throws()
    {
        await _client.ExecuteAsync(["ACL", "SETUSER", "deaf", "on", ">secret", "~*", "+@all", "resetchannels"]);
        await using var client = new RedisClient(Patient.Options($"redis://deaf:secret@127.0.0.1:{fixture.Server.Port}"));
        var error = await Assert.ThrowsAsync<RedisServerException>(async () => await client.SubscribeAsync("secret", _ => default));
        Assert.Equal("NOPERM", error.Code);
    }

    [Fact]
    public async Task A_handler_that_is_behind_or_throws_costs_messages_and_nothing_else()
    {
        await using var client = new RedisClient(Patient.Options(fixture.Server.Url) with { MaxBufferedMessages = 4 });
        var go = new TaskCompletionSource();
        var heard = 0;
        await using var subscription = await client.SubscribeAsync("flood", async _ =>
        {
            await go.Task;
            Interlocked.Increment(ref heard);
            throw new InvalidOperationException("a handler that fails");
        });
        for (var i = 0; i < 100; i++)
        {
            await client.PublishAsync("flood", "x".Utf8());
        }

        var after = Channel.CreateUnbounded<RedisMessage>();
        await using var fence = await client.SubscribeAsync("fence", message => after.Writer.WriteAsync(message));
        await client.PublishAsync("fence", "x".Utf8());
        await after.Reader.ReadAsync().AsTask().WaitAsync(Eventually.Patience);
        go.SetResult();
        await Eventually.IsTrueAsync(() => Volatile.Read(ref heard) is 4 or 5, "those that were kept");
    }
}
