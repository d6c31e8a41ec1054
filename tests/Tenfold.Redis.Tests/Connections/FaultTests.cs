using System.Net;
using System.Net.Sockets;
using Tenfold.Redis.Tests.Support;
using Tenfold.TestSupport;

namespace Tenfold.Redis.Tests.Connections;

public sealed class FaultTests : IAsyncLifetime
{
    private RedisServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await RedisServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_killed_server_fails_what_is_under_way_and_what_comes_and_all_is_well_when_it_is_back()
    {
        await using var client = new RedisClient(Patient.Options(_server.Url) with { PingInterval = TimeSpan.FromDays(1) }); // a PING would be counted
        await client.SetAsync("key", "1".Utf8());
        await Eventually.IsTrueAsync(() => client.IsConnected, "connected");
        var sent = client.CommandsSent;
        await client.ExecuteAsync(["CLIENT", "PAUSE", 60_000, "ALL"]);
        var pending = Enumerable.Range(0, 50).Select(i => client.SetAsync($"key-{i}", "2".Utf8()).AsTask()).ToArray();
        await Eventually.IsTrueAsync(() => client.CommandsSent >= sent + 51, "sent");
        await _server.KillAsync();
        foreach (var command in pending)
        {
            Assert.True((await Assert.ThrowsAsync<RedisConnectionException>(() => command)).MayHaveExecuted);
        }

        await Eventually.IsTrueAsync(() => !client.IsConnected, "noticed");
        var refused = await Assert.ThrowsAsync<RedisConnectionException>(async () => await client.GetAsync("key"));
        Assert.False(refused.MayHaveExecuted);

        await _server.StartAgainAsync();
        await Eventually.IsTrueAsync(() => client.IsConnected, "connected again");
        Assert.Null(await client.GetAsync("key"));
        Assert.True(await client.SetAsync("key", "3".Utf8()));
    }

    [Fact]
    public async Task A_server_that_is_absent_at_first_is_no_error_and_commands_fail_fast_and_name_it()
    {
        await _server.KillAsync();
        await using var client = Connect(_server.Url);
        var first = await Assert.ThrowsAsync<RedisConnectionException>(async () => await client.GetAsync("key"));
        Assert.False(first.MayHaveExecuted);
        Assert.Contains($"Cannot connect to 127.0.0.1:{_server.Port}", first.Message, StringComparison.Ordinal);
        var since = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < 100; i++)
        {
            await Assert.ThrowsAsync<RedisConnectionException>(async () => await client.GetAsync($"key-{i}"));
        }

        Assert.True(TimeProvider.System.GetElapsedTime(since) < Eventually.Patience, "100 commands to an absent server must not wait for it");
        await _server.StartAgainAsync();
        await Eventually.IsTrueAsync(() => client.IsConnected, "connected");
        Assert.Null(await client.GetAsync("key"));
    }

    [Fact]
    public async Task An_answer_that_is_cut_in_its_middle_fails_its_command_and_nothing_of_it_is_seen()
    {
        await using var proxy = new Proxy(_server.Port);
        await using var client = new RedisClient(Patient.Options(proxy.Url) with { MaxBackoff = TimeSpan.FromMilliseconds(50), ConnectionsPerNode = 1, PingInterval = TimeSpan.FromMinutes(1) });
        var value = new byte[100_000];
        new Random(3).NextBytes(value);
        await client.SetAsync("large", value);
        for (var cut = 0; cut < 100_000; cut += 9_999)
        {
            proxy.CutAfter = cut;
            var error = await Assert.ThrowsAsync<RedisConnectionException>(async () => await client.GetAsync("large"));
            Assert.True(error.MayHaveExecuted);
            await Eventually.IsTrueAsync(() => client.IsConnected, "connected again");
            Assert.Equal(value, await client.GetAsync("large"));
        }
    }

    [Fact]
    public async Task A_late_answer_is_a_timeout_and_the_connection_stays_in_step()
    {
        await using var proxy = new Proxy(_server.Port);
        await using var client = new RedisClient(Patient.Options(proxy.Url) with { CommandTimeout = TimeSpan.FromMilliseconds(200), ConnectionsPerNode = 1, PingInterval = TimeSpan.FromDays(1) });
        await Eventually.IsTrueAsync(() => client.IsConnected, "connected");
        proxy.Hold();
        var late = await Assert.ThrowsAsync<RedisTimeoutException>(async () => await client.SetAsync("key", "2".Utf8()));
        Assert.True(late.MayHaveExecuted);
        Assert.Contains("within 200 ms", late.Message, StringComparison.Ordinal);
        proxy.Release();
        await Eventually.IsTrueAsync(async () => await Quietly(() => client.GetAsync("key")) == "2", "answers come in time again, each to its own command");
        Assert.Equal(1, proxy.Connections);
    }

    [Fact]
    public async Task A_stuck_connection_is_recognised_by_its_ping_and_replaced()
    {
        await using var proxy = new Proxy(_server.Port);
        var quick = Patient.Options(proxy.Url) with { PingInterval = TimeSpan.FromMilliseconds(100), StuckAfter = TimeSpan.FromMilliseconds(300) };
        await using var client = new RedisClient(quick);
        await Eventually.IsTrueAsync(() => client.IsConnected, "connected");
        proxy.Swallows = true; // idle: nobody but the PING can notice
        await Eventually.IsTrueAsync(() => !client.IsConnected, "noticed");
        proxy.Swallows = false;
        await Eventually.IsTrueAsync(async () => await Quietly(() => client.GetAsync("key")) is null, "replaced");
    }

    [Fact]
    public async Task A_suspended_server_is_noticed_and_commands_do_not_wait_longer_than_their_limit()
    {
        var quick = Patient.Options(_server.Url) with { PingInterval = TimeSpan.FromMilliseconds(100), StuckAfter = TimeSpan.FromMilliseconds(500), ConnectTimeout = TimeSpan.FromMilliseconds(300) };
        await using var client = new RedisClient(quick);
        await Eventually.IsTrueAsync(
            async () =>
            {
                await Eventually.IsTrueAsync(async () => await Quietly(() => client.GetAsync("key")) is null, "well");
                _server.Suspend();
                var stuck = await Assert.ThrowsAsync<RedisConnectionException>(async () => await client.GetAsync("key"));
                _server.Resume();
                return stuck.MayHaveExecuted && stuck.Message.Contains("is stuck: it owes", StringComparison.Ordinal); // not so if a PING noticed before it was sent
            },
            "noticed by a command");
        await Eventually.IsTrueAsync(async () => await Quietly(() => client.GetAsync("key")) is null, "well again");
    }

    [Fact]
    public async Task Nothing_is_executed_twice_however_often_the_connection_is_cut()
    {
        await using var proxy = new Proxy(_server.Port);
        await using var client = new RedisClient(Patient.Options(proxy.Url) with { ConnectionsPerNode = 1, MinBackoff = TimeSpan.FromMilliseconds(1), MaxBackoff = TimeSpan.FromMilliseconds(5) });
        var (done, perhaps, not) = (0, 0, 0);
        using var stop = new CancellationTokenSource();
        var callers = Enumerable.Range(0, 32).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await client.IncrementAsync("count");
                    Interlocked.Increment(ref done);
                }
                catch (RedisConnectionException e)
                {
                    Interlocked.Increment(ref e.MayHaveExecuted ? ref perhaps : ref not);
                    await Task.Delay(1);
                }
            }
        })).ToArray();
        for (var i = 1; i <= 60; i++)
        {
            var soFar = Volatile.Read(ref done);
            await Eventually.IsTrueAsync(() => Volatile.Read(ref done) > soFar + 50, "goes on");
            proxy.CutAll();
        }

        await stop.CancelAsync();
        await Task.WhenAll(callers).WaitAsync(Eventually.Patience);
        var count = 0L; // the last cut may not have been noticed yet
        await Eventually.IsTrueAsync(async () => long.TryParse(await Quietly(() => client.GetAsync("count")), out count), "connected");
        Assert.True(perhaps > 0, "no command was cut off; the test shows nothing");
        Assert.InRange(count, done, done + perhaps);
    }

    [Fact]
    public async Task A_full_server_refuses_writes_and_answers_reads()
    {
        await using var client = Connect(_server.Url);
        await client.SetAsync("key", "1".Utf8());
        await client.ExecuteAsync(["CONFIG", "SET", "maxmemory", "1mb", "maxmemory-policy", "noeviction"]);
        var full = await Assert.ThrowsAsync<RedisServerException>(async () => await client.SetAsync("more", new byte[100_000]));
        Assert.Equal("OOM", full.Code);
        Assert.Equal("1", (await client.GetAsync("key")).Utf8());
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", "cannot begin with byte 0x48")]
    [InlineData("-ERR unknown command 'HELLO'\r\n+OK\r\n+OK\r\n+OK\r\n", "Redis 6 or newer is needed")]
    [InlineData("+OK\r\n+OK\r\n+OK\r\n+PONG\r\n+EXTRA\r\n", null)]
    [InlineData("-LOADING Redis is loading the dataset in memory\r\n+OK\r\n+OK\r\n-LOADING x\r\n", "LOADING")]
    [InlineData("$999999999\r\n", "larger than")]
    public async Task What_answers_but_is_no_usable_Redis_is_named(string answer, string? message)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync();
        await using var client = new RedisClient(Patient.Options($"redis://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}") with { ConnectionsPerNode = 1 });
        var error = await Assert.ThrowsAsync<RedisConnectionException>(async () => await client.GetAsync("key"));
        if (message is not null)
        {
            Assert.Contains(message, error.Message, StringComparison.Ordinal);
        }

        await client.DisposeAsync();
        listener.Stop();
        await Assert.ThrowsAnyAsync<Exception>(() => serving.WaitAsync(Eventually.Patience));

        async Task ServeAsync()
        {
            while (true)
            {
                using var socket = await listener.AcceptSocketAsync();
                try
                {
                    await socket.ReceiveAsync(new byte[4096]);
                    await socket.SendAsync(answer.Utf8());
                    while (await socket.ReceiveAsync(new byte[4096]) > 0)
                    {
                    }
                }
                catch (SocketException)
                {
                    // the client has hung up
                }
            }
        }
    }

    [Fact]
    public async Task A_disposed_client_fails_what_is_under_way_and_refuses_more()
    {
        var client = Connect(_server.Url);
        await client.PingAsync();
        await client.ExecuteAsync(["CLIENT", "PAUSE", 60_000, "WRITE"]);
        var pending = client.SetAsync("key", "1".Utf8()).AsTask();
        await client.DisposeAsync();
        await client.DisposeAsync();
        await Assert.ThrowsAsync<RedisConnectionException>(() => pending);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.GetAsync("key"));
    }

    private static RedisClient Connect(string url) => new(Patient.Options(url));

    private static async Task<string?> Quietly(Func<ValueTask<byte[]?>> read)
    {
        try
        {
            return (await read()).Utf8();
        }
        catch (RedisConnectionException)
        {
            return "(failed)";
        }
    }
}
