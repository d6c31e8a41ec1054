using System.Net;
using System.Net.Sockets;
using Tenfold.Gateway.Instances;
using Tenfold.Gateway.Tests.Support;
using Tenfold.Guide;

namespace Tenfold.Gateway.Tests.Instances;

/// <summary>Requests that find every connection to an instance in use.</summary>
public sealed class ConnectionPoolTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task No_more_requests_are_at_an_instance_than_it_may_have_and_all_are_answered()
    {
        await using var upstream = new GatedUpstream();
        await using var gateway = await StartAsync(2, upstream.EndPoint);
        var answers = Get(gateway, 10);
        await upstream.AtOnceAsync(2);
        await gateway.UntilAsync(s => s.Instances.Single() is { InFlight: 10, Waiting: 8 });
        upstream.Open();

        Assert.All(await Task.WhenAll(answers), answer => Assert.Equal("ok", answer));
        Assert.Equal(2, upstream.Most);
    }

    [Fact]
    public async Task A_burst_uses_the_connection_that_comes_back_when_that_is_sooner_than_a_new_one()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        using var pool = new ConnectionPool(listener.LocalEndPoint!, 1024, TimeProvider.System);
        var connection = (await pool.TakeAsync(0, long.MaxValue, Patience)).Connection!;
        using var accepted = await listener.AcceptAsync();
        // Who is not accepted fills the queue, and no further connection comes about.
        using var filling = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await filling.ConnectAsync(listener.LocalEndPoint!);

        var requests = Enumerable.Range(0, 400).Select(_ => pool.TakeAsync(0, long.MaxValue, Patience).AsTask()).ToArray();
        Assert.Equal(400, pool.Waiting);
        foreach (var request in requests)
        {
            Assert.False(request.IsCompleted);
            pool.Return(connection, 0);
            Assert.Same(connection, (await request).Connection);
        }

        pool.Discard(connection);
    }

    [Fact]
    public async Task A_request_that_waits_in_vain_gets_504_at_its_timeout_and_says_why()
    {
        await using var upstream = new GatedUpstream();
        await using var gateway = await StartAsync(1, upstream.EndPoint, new Route { Path = PathPattern.Parse("/hasty"), Service = "api", Timeout = TimeSpan.FromMilliseconds(300) });
        var first = gateway.Client.GetAsync("/");
        await upstream.AtOnceAsync(1);
        using var second = await gateway.Client.GetAsync("/hasty").WaitAsync(Patience);

        Assert.Equal(HttpStatusCode.GatewayTimeout, second.StatusCode);
        Assert.Contains("in use until the time limit", await second.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        upstream.Open();
        (await first).Dispose();
    }

    [Fact]
    public async Task The_connection_of_a_client_that_went_away_while_it_waited_goes_to_the_next_one()
    {
        await using var upstream = new GatedUpstream();
        await using var gateway = await StartAsync(1, upstream.EndPoint);
        var first = gateway.Client.GetStringAsync("/");
        await upstream.AtOnceAsync(1);
        using (var impatient = await gateway.ConnectAsync())
        {
            await impatient.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            await gateway.UntilAsync(s => s.Instances.Single().InFlight == 2);
        }

        var third = gateway.Client.GetStringAsync("/");
        await gateway.UntilAsync(s => s.Instances.Single().InFlight == 3);
        upstream.Open();

        Assert.Equal("ok", await first);
        Assert.Equal("ok", await third.WaitAsync(Patience));
    }

    [Fact]
    public async Task Event_streams_do_not_take_the_place_of_ordinary_requests()
    {
        await using var upstream = RawUpstream.Answering(request => request.StartsWith("GET /events", StringComparison.Ordinal)
            ? "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n"
            : RawUpstream.Ok("ok"));
        await using var gateway = await StartAsync(1, upstream.EndPoint);
        using var streams = new HttpClient { BaseAddress = gateway.Client.BaseAddress };
        for (var i = 0; i < 3; i++)
        {
            using var stream = await streams.GetStreamAsync("/events").WaitAsync(Patience);
            Assert.Equal("ok", await gateway.Client.GetStringAsync("/").WaitAsync(Patience));
        }
    }

    [Fact]
    public async Task What_waits_for_an_instance_that_leaves_is_done_by_another_one()
    {
        await using var leaving = new GatedUpstream();
        await using var other = RawUpstream.Answering(_ => RawUpstream.Ok("other"));
        await using var gateway = await StartAsync(1, leaving.EndPoint);
        var first = gateway.Client.GetStringAsync("/");
        await leaving.AtOnceAsync(1);
        var second = gateway.Client.GetStringAsync("/");
        await gateway.UntilAsync(s => s.Instances.Single().InFlight == 2);
        gateway.Server.Add(new Upstream("api", "api-2", other.EndPoint));
        gateway.Server.Remove("api", "api-1");

        Assert.Equal("other", await second.WaitAsync(Patience));
        leaving.Open();
        Assert.True(await first.ContinueWith(t => t.IsFaulted || t.Result is "ok" or "other", TaskScheduler.Default));
    }

    [Fact]
    public async Task Requests_that_wait_for_an_instance_that_is_gone_all_fail_at_once()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var nobody = (IPEndPoint)listener.LocalEndpoint;
        listener.Stop();
        await using var gateway = await StartAsync(4, nobody);
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => gateway.Client.GetAsync("/"))).WaitAsync(Patience);

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.BadGateway, answer.StatusCode));
    }

    private static Task<TestGateway> StartAsync(int connections, EndPoint upstream, params Route[] more) => TestGateway.StartAsync(
        new GatewaySection
        {
            Limits = new GatewayLimits { InstanceConnections = connections },
            Routes = [TestGateway.Everything, .. more],
        },
        upstreams: [upstream]);

    private static Task<string>[] Get(TestGateway gateway, int count) => [.. Enumerable.Range(0, count).Select(_ => gateway.Client.GetStringAsync("/"))];

    /// <summary>An instance that answers nothing until it is opened, and counts the requests that are there at once.</summary>
    private sealed class GatedUpstream : IAsyncDisposable
    {
        private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly SemaphoreSlim _arrivals = new(0);
        private readonly RawUpstream _upstream;
        private int _now;
        private int _most;

        public GatedUpstream() => _upstream = new RawUpstream(async peer =>
        {
            while (await peer.ReadRequestAsync() is not null)
            {
                var now = Interlocked.Increment(ref _now);
                InterlockedMax(ref _most, now);
                _arrivals.Release();
                await _open.Task;
                Interlocked.Decrement(ref _now);
                await peer.SendAsync(RawUpstream.Ok("ok"));
            }
        });

        public EndPoint EndPoint => _upstream.EndPoint;

        public int Most => Volatile.Read(ref _most);

        public async Task AtOnceAsync(int requests)
        {
            for (var i = 0; i < requests; i++)
            {
                Assert.True(await _arrivals.WaitAsync(Patience));
            }
        }

        public void Open() => _open.TrySetResult();

        public ValueTask DisposeAsync()
        {
            Open();
            return _upstream.DisposeAsync();
        }

        private static void InterlockedMax(ref int target, int value)
        {
            for (var seen = Volatile.Read(ref target); seen < value;)
            {
                var before = Interlocked.CompareExchange(ref target, value, seen);
                if (before == seen)
                {
                    return;
                }

                seen = before;
            }
        }
    }
}
