using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Commands;

public sealed class CommandTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private readonly RedisClient _client = fixture.Client;

    [Fact]
    public async Task A_value_that_was_set_is_got()
    {
        Assert.True(await _client.SetAsync("set-get", "value".Utf8()));
        Assert.Equal("value", (await _client.GetAsync("set-get")).Utf8());
        Assert.Null(await _client.GetAsync("no such key"));
    }

    [Theory]
    [InlineData("with spaces\r\nand lines")]
    [InlineData("nul \0 inside")]
    [InlineData("ünïcödé 🔑")]
    [InlineData("")]
    public async Task A_key_may_be_any_bytes(string key)
    {
        await _client.SetAsync(key, key.Utf8());
        Assert.Equal(key, (await _client.GetAsync(key.Utf8())).Utf8());
        Assert.True(await _client.DeleteAsync(key));
        Assert.False(await _client.ExistsAsync(key));
    }

    [Fact]
    public async Task Keys_and_values_of_many_megabytes_come_back_whole()
    {
        var key = new byte[1024 * 1024];
        var value = new byte[40 * 1024 * 1024];
        new Random(1).NextBytes(key);
        new Random(2).NextBytes(value);
        await _client.SetAsync(key, value);
        Assert.Equal(value, await _client.GetAsync(key));
        await _client.DeleteAsync(key);
    }

    [Fact]
    public async Task A_value_that_Redis_does_not_take_is_refused_before_it_costs_the_connection()
    {
        var tooLong = new byte[(512 * 1024 * 1024) + 1];
        var error = await Assert.ThrowsAsync<ArgumentException>(async () => await _client.SetAsync("too long", tooLong));
        Assert.Contains("536870913 bytes is more than the 536870912 bytes", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(async () => await _client.EvaluateAsync(new RedisScript("return 1"), ["key"], [tooLong]));
        Assert.Null(await _client.GetAsync("too long"));
    }

    [Fact]
    public async Task Set_can_ask_for_a_new_or_an_existing_key_and_a_time_to_live()
    {
        Assert.False(await _client.SetAsync("when", "1".Utf8(), when: SetWhen.Exists));
        Assert.True(await _client.SetAsync("when", "1".Utf8(), TimeSpan.FromMinutes(1), SetWhen.NotExists));
        Assert.False(await _client.SetAsync("when", "2".Utf8(), TimeSpan.FromMinutes(1), SetWhen.NotExists));
        Assert.True(await _client.SetAsync("when", "2".Utf8(), TimeSpan.FromMinutes(1), SetWhen.Exists));
        Assert.InRange(await _client.TimeToLiveAsync("when"), 1, 60_000);
        Assert.True(await _client.PersistAsync("when"));
        Assert.Equal(-1, await _client.TimeToLiveAsync("when"));
        Assert.True(await _client.ExpireAsync("when", TimeSpan.FromMinutes(2)));
        Assert.Equal("2", (await _client.GetDeleteAsync("when")).Utf8());
        Assert.Equal(-2, await _client.TimeToLiveAsync("when"));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await _client.ExpireAsync("when", TimeSpan.Zero));
    }

    [Fact]
    public async Task Many_keys_are_got_and_deleted_at_once()
    {
        await _client.SetAsync("many-1", "a".Utf8());
        await _client.SetAsync("many-3", "c".Utf8());
        var values = await _client.GetManyAsync(["many-1", "many-2", "many-3"]);
        Assert.Equal(["a", null, "c"], values.Select(Texts.Utf8));
        Assert.Equal(2, await _client.DeleteAsync(["many-1", "many-2", "many-3"]));
        Assert.Equal(0, await _client.DeleteAsync(ReadOnlySpan<RedisKey>.Empty));
        Assert.Empty(await _client.GetManyAsync([]));
    }

    [Fact]
    public async Task Counters_and_hashes_work()
    {
        Assert.Equal(1, await _client.IncrementAsync("counter"));
        Assert.Equal(-9, await _client.IncrementAsync("counter", -10));
        Assert.True(await _client.HashSetAsync("hash", "field", "x".Utf8()));
        Assert.False(await _client.HashSetAsync("hash", "field", "y".Utf8()));
        Assert.Equal("y", (await _client.HashGetAsync("hash", "field")).Utf8());
        var all = await _client.ExecuteAsync(["HGETALL", "hash"]);
        Assert.Equal(RedisReplyKind.Map, all.Kind);
        Assert.Equal(["field", "y"], all.Items.ToArray().Select(item => item.Text));
    }

    [Fact]
    public async Task Any_command_can_be_executed_and_its_error_is_typed()
    {
        await _client.ExecuteAsync(["RPUSH", "list", "a", 2, 2.5]);
        Assert.Equal(["a", "2", "2.5"], (await _client.ExecuteAsync(["LRANGE", "list", 0, -1])).Items.ToArray().Select(item => item.Text));
        var wrong = await Assert.ThrowsAsync<RedisServerException>(async () => await _client.GetAsync("list"));
        Assert.Equal("WRONGTYPE", wrong.Code);
        var unfit = await Assert.ThrowsAsync<RedisException>(async () => _ = (await _client.ExecuteAsync(["LRANGE", "list", 0, -1])).Integer);
        Assert.Equal("The answer is Array (Array of 3), not an integer.", unfit.Message);
    }

    [Theory]
    [InlineData("MULTI")]
    [InlineData("subscribe")]
    [InlineData("SELECT")]
    [InlineData("BLPOP")]
    [InlineData("RESET")]
    [InlineData("CONFIG GET")]
    public Task A_command_that_does_not_fit_a_shared_connection_is_refused(string name) =>
        Assert.ThrowsAsync<ArgumentException>(async () => await _client.ExecuteAsync([name, "1"]));

    [Fact]
    public async Task Commands_of_many_callers_get_their_own_answers()
    {
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async caller =>
        {
            for (var i = 0; i < 50; i++)
            {
                var echo = $"{caller}/{i}";
                Assert.Equal(echo, (await _client.ExecuteAsync(["ECHO", echo])).Text);
            }
        }));
    }

    [Fact]
    public async Task More_commands_than_fit_a_connection_wait_for_room_in_order()
    {
        await using var client = new RedisClient(Patient.Options(fixture.Server.Url) with { MaxPending = 256, MaxUnsentBytes = 4096, ConnectionsPerNode = 1 });
        var values = await Task.WhenAll(Enumerable.Range(1, 2000).Select(_ => client.IncrementAsync("in order").AsTask()));
        Assert.Equal(Enumerable.Range(1, 2000).Select(i => (long)i), values);
    }

    [Fact]
    public async Task A_cancelled_wait_leaves_the_connection_in_step()
    {
        using var cancel = new CancellationTokenSource();
        await using var other = new RedisClient(Patient.Options(fixture.Server.Url));
        await other.ExecuteAsync(["CLIENT", "PAUSE", 60_000, "WRITE"]);
        var write = _client.SetAsync("cancelled", "1".Utf8(), cancel: cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => write);
        await other.ExecuteAsync(["CLIENT", "UNPAUSE"]);
        Assert.Equal("in step", (await _client.ExecuteAsync(["ECHO", "in step"])).Text);
        var before = await Assert.ThrowsAsync<OperationCanceledException>(async () => await _client.GetAsync("x", cancel.Token));
        Assert.Equal(cancel.Token, before.CancellationToken);
    }

    [Fact]
    public async Task Waiting_in_a_blocking_way_for_another_answer_of_the_same_batch_does_not_hang()
    {
        await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(async () =>
        {
            await _client.GetAsync($"blocking-{i}");
            Assert.Null(_client.GetAsync($"blocking-{i}").AsTask().GetAwaiter().GetResult());
        }))).WaitAsync(Eventually.Patience);
    }
}
