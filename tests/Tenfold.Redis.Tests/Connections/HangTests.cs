using System.Net;
using System.Net.Sockets;
using Tenfold.Redis.Tests.Support;

namespace Tenfold.Redis.Tests.Connections;

/// <summary>Every wait ends.</summary>
public sealed class HangTests
{
    [Fact]
    public async Task A_command_does_not_wait_longer_for_a_connection_than_for_everything()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0); // connects, and says nothing
        silent.Start();
        await using var client = new RedisClient(Patient.Options($"redis://{silent.LocalEndpoint}") with { CommandTimeout = TimeSpan.FromMilliseconds(100), ConnectWait = TimeSpan.FromHours(1) });
        var late = await Assert.ThrowsAsync<RedisConnectionException>(() => client.GetAsync("key").AsTask().WaitAsync(Eventually.Patience / 2));
        Assert.False(late.MayHaveExecuted);
        Assert.Contains("none could be made within 100 ms", late.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_waits_for_a_connection_is_bounded_in_bytes()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var client = new RedisClient(Patient.Options($"redis://{silent.LocalEndpoint}") with { MaxWaitingBytes = 10_000, ConnectionsPerNode = 1 });
        var alone = client.SetAsync("larger than that", new byte[20_000]).AsTask();
        var full = await Assert.ThrowsAsync<RedisConnectionException>(async () => await client.SetAsync("key", new byte[1]));
        Assert.False(full.MayHaveExecuted);
        Assert.Contains("1 commands of 20", full.Message, StringComparison.Ordinal);
        await client.DisposeAsync();
        await Assert.ThrowsAsync<RedisConnectionException>(() => alone);
    }

    [Fact]
    public async Task Callers_of_a_cluster_that_cannot_be_reached_are_answered_when_the_client_is_disposed_under_them()
    {
        for (var round = 0; round < 10; round++)
        {
            using var silent = new TcpListener(IPAddress.Loopback, 0);
            silent.Start();
            var client = new RedisClient(Patient.Options($"redis://{silent.LocalEndpoint}?cluster=true"));
            var running = 0;
            var callers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
            {
                var asked = new List<Task>();
                try
                {
                    while (true)
                    {
                        asked.Add(client.GetAsync("key").AsTask());
                        if (Interlocked.Increment(ref running) % 50 == 0)
                        {
                            await Task.Delay(1);
                        }
                    }
                }
                catch (ObjectDisposedException)
                {
                    await Task.WhenAll(asked.Select(one => Assert.ThrowsAsync<RedisConnectionException>(() => one)));
                }
            })).ToArray();
            await Eventually.IsTrueAsync(() => Volatile.Read(ref running) > 100, "under way");
            await client.DisposeAsync();
            await Task.WhenAll(callers).WaitAsync(Eventually.Patience);
        }
    }

    [Fact]
    public async Task Code_of_the_options_that_throws_does_not_end_the_attempts_to_read_a_clusters_slots()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var attempts = 0;
        await using var client = new RedisClient(Patient.Options($"rediss://{silent.LocalEndpoint}?cluster=true") with
        {
            MaxBackoff = TimeSpan.FromMilliseconds(50),
            ConfigureTls = _ =>
            {
                Interlocked.Increment(ref attempts);
                throw new InvalidOperationException("no certificate");
            },
        });
        await Eventually.IsTrueAsync(() => Volatile.Read(ref attempts) > 3, "it goes on trying");
    }

    [Fact]
    public async Task A_sentinel_that_does_not_confirm_a_subscription_is_given_up()
    {
        var asked = 0;
        var never = new TaskCompletionSource<string?>();
        await using var sentinel = new FakeServer(words =>
        {
            if (words[0] != "SUBSCRIBE")
            {
                return Task.FromResult<string?>("*-1\r\n");
            }

            Interlocked.Increment(ref asked);
            return never.Task;
        });
        await using var client = new RedisClient(Patient.Options($"redis://{sentinel.Address}?sentinel=shop") with { ConnectTimeout = TimeSpan.FromMilliseconds(200), MaxBackoff = TimeSpan.FromMilliseconds(50) });
        await Eventually.IsTrueAsync(() => Volatile.Read(ref asked) > 1, "asked again on another connection");
    }

    [Fact]
    public async Task A_script_whose_caller_has_given_up_is_not_sent_in_full()
    {
        var (asked, go, evaluated) = (new TaskCompletionSource(), new TaskCompletionSource(), 0);
        await using var server = new FakeServer(async words =>
        {
            switch (words[0])
            {
                case "EVALSHA":
                    asked.SetResult();
                    await go.Task;
                    return "-NOSCRIPT No matching script.\r\n";
                case "EVAL":
                    evaluated++;
                    return "+OK\r\n";
                default:
                    return FakeServer.Bulk(words[1]);
            }
        });
        await using var client = new RedisClient(Patient.Options($"redis://{server.Address}") with { ConnectionsPerNode = 1 });
        using var cancel = new CancellationTokenSource();
        var call = client.EvaluateAsync(new RedisScript("return 1"), ["key"], cancel: cancel.Token).AsTask();
        await asked.Task.WaitAsync(Eventually.Patience);
        await cancel.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => call);
        go.SetResult();
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("x", (await client.ExecuteAsync(["ECHO", "x"])).Text);
        }

        Assert.Equal(0, evaluated);
    }
}
