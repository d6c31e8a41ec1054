using System.Net;
using System.Net.Sockets;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Tenfold.Wire.Http1;

namespace Tenfold.Wire.Tests.Http1;

public sealed class Http1ConnectionTests
{
    private static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    private static Http1Connection Peer(params string[] pieces) => new(new ScriptedStream(pieces.Select(Bytes)));

    private static async Task<string> ReadAll(Http1Connection connection, bool toHead = false)
    {
        var log = new StringBuilder();
        ResponseHead head;
        do
        {
            head = await connection.ReadHeadAsync(toHead);
            log.Append(head.Status).Append(' ').Append(head.Framing).Append(head.KeepAlive ? " keep" : " close");
            foreach (var field in head.Fields)
            {
                log.Append('|').Append(Encoding.Latin1.GetString(field.Name(head.Bytes))).Append('=').Append(Encoding.Latin1.GetString(field.Value(head.Bytes)));
            }

            log.Append('\n');
        }
        while (head.Interim);

        while (await connection.ReadBodyAsync() is { IsEmpty: false } piece)
        {
            log.Append(Encoding.Latin1.GetString(piece.Span));
        }

        foreach (var field in connection.Trailers.Fields)
        {
            log.Append("\ntrailer ").Append(Encoding.Latin1.GetString(field.Name(connection.TrailerBytes))).Append('=').Append(Encoding.Latin1.GetString(field.Value(connection.TrailerBytes)));
        }

        return log.ToString();
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 Length keep|Content-Length=5\nhello")]
    [InlineData("HTTP/1.1 200\r\nContent-Length: 5, 5\r\nContent-Length:5\r\n\r\nhello", "200 Length keep|Content-Length=5, 5|Content-Length=5\nhello")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "100 None keep\n103 None keep|Link=</a>\n204 None keep\n")]
    [InlineData("HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\n\r\n", "304 None keep|Content-Length=12\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA ;x=\"y\"\r\n0123456789\r\n0\r\nDigest:  ab \r\n\r\n", "200 Chunked keep|Transfer-Encoding=chunked\nhello0123456789\ntrailer Digest=ab")]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n\r\nuntil the end", "200 UntilClose close|Connection=x, Close\nuntil the end")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 Length close|Content-Length=2\nhi")]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: Keep-Alive\r\n\r\nhi", "200 Length keep|Content-Length=2|Connection=Keep-Alive\nhi")]
    [InlineData("HTTP/1.1 200 OK\r\nA:\r\nB: \t x y \t\r\nContent-Length: 0\r\n\r\n", "200 None keep|A=|B=x y|Content-Length=0\n")]
    public async Task Reads_the_same_however_the_bytes_are_split(string response, string expected)
    {
        Assert.Equal(expected, await ReadAll(Peer(response)));
        Assert.Equal(expected, await ReadAll(Peer(response.Select(c => c.ToString()).ToArray())));
        for (var i = 1; i < response.Length; i++)
        {
            Assert.Equal(expected, await ReadAll(Peer(response[..i], response[i..])));
        }
    }

    [Fact]
    public void Any_chunking_and_any_splitting_of_any_body_gives_the_body_back()
    {
        var cases = from body in ArbMap.Default.GeneratorFor<byte[]>()
                    from cuts in Gen.Choose(1, 7).ArrayOf()
                    from splits in Gen.Choose(1, 11).ArrayOf()
                    select (body, cuts, splits);
        Prop.ForAll(cases.ToArbitrary(), item =>
        {
            var wire = new List<byte>(Bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
            foreach (var chunk in Cut(item.body, item.cuts))
            {
                wire.AddRange([.. Bytes($"{chunk.Length:x}\r\n"), .. chunk, .. "\r\n"u8]);
            }

            wire.AddRange("0\r\n\r\n"u8.ToArray());
            using var connection = new Http1Connection(new ScriptedStream(Cut([.. wire], item.splits)));
            var read = new List<byte>();
            connection.ReadHeadAsync().AsTask().GetAwaiter().GetResult();
            while (connection.ReadBodyAsync().AsTask().GetAwaiter().GetResult() is { IsEmpty: false } piece)
            {
                read.AddRange(piece.Span);
            }

            return read.SequenceEqual(item.body) && connection.Reusable;
        }).QuickCheckThrowOnFailure();
    }

    private static IEnumerable<byte[]> Cut(byte[] bytes, int[] lengths)
    {
        for (var (at, i) = (0, 0); at < bytes.Length; i++)
        {
            var n = Math.Min(bytes.Length - at, lengths.Length == 0 ? bytes.Length : lengths[i % lengths.Length]);
            yield return bytes[at..(at + n)];
            at += n;
        }
    }

    [Theory]
    [InlineData("HTTP/2 200 OK\r\n\r\n")]
    [InlineData("http/1.1 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 2x0 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 099 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 2000 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 O\0K\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nNo colon\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nA : b\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nA: b\rB: c\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n: b\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello!")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nhello\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad trailer\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\r\n")]
    public async Task Refuses_a_malformed_response(string response)
    {
        var error = await Assert.ThrowsAsync<Http1Exception>(() => ReadAll(Peer(response)));
        Assert.Equal(Http1Fault.Malformed, error.Fault);
        Assert.True(error.Answered);
        await Assert.ThrowsAsync<Http1Exception>(() => ReadAll(Peer(response.Select(c => c.ToString()).ToArray())));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("H", true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", true)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", true)]
    public async Task An_early_end_says_whether_an_answer_had_begun(string response, bool answered)
    {
        var error = await Assert.ThrowsAsync<Http1Exception>(() => ReadAll(Peer(response)));
        Assert.Equal((Http1Fault.Closed, answered), (error.Fault, error.Answered));
    }

    [Fact]
    public async Task A_head_larger_than_the_limit_is_refused_and_one_below_it_is_read()
    {
        var fits = new Http1Connection(new ScriptedStream([Bytes($"HTTP/1.1 200 OK\r\nA: {new string('x', 60_000)}\r\nContent-Length: 2\r\n\r\nhi")]));
        Assert.EndsWith("\nhi", await ReadAll(fits), StringComparison.Ordinal);
        var over = new Http1Connection(new ScriptedStream([Bytes($"HTTP/1.1 200 OK\r\nA: {new string('x', 70_000)}\r\n\r\n")]));
        Assert.Equal(Http1Fault.TooLarge, (await Assert.ThrowsAsync<Http1Exception>(() => ReadAll(over))).Fault);
    }

    [Fact]
    public async Task A_response_to_HEAD_has_no_body_whatever_it_announces()
    {
        var connection = Peer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        Assert.StartsWith("200 None keep", await ReadAll(connection, toHead: true), StringComparison.Ordinal);
        Assert.Equal(5, connection.Head.ContentLength);
        Assert.StartsWith("200 None keep", await ReadAll(connection, toHead: true), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_small_body_is_buffered_beside_its_head()
    {
        var connection = Peer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nA: b\r\n\r\nhe", "l", "lo");
        var head = await connection.ReadHeadAsync();
        Assert.True(await connection.BufferBodyAsync());
        Assert.True(head.TryGet("a"u8, out var value) && value.SequenceEqual("b"u8));
        Assert.Equal("hello", Encoding.ASCII.GetString((await connection.ReadBodyAsync()).Span));
        Assert.True(connection.Reusable);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Speaks_over_TCP_and_Unix_sockets_again_and_again_without_allocating(bool unix)
    {
        var path = Path.Combine(Path.GetTempPath(), $"wire-{Guid.NewGuid():N}.sock");
        using var listener = unix ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) : new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(unix ? new UnixDomainSocketEndPoint(path) : new IPEndPoint(IPAddress.IPv6Loopback, 0));
        listener.Listen();
        using var connection = await Http1Connection.ConnectAsync(listener.LocalEndPoint!);
        using var server = await listener.AcceptAsync();
        var request = Bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        var response = Bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        var buffer = new byte[256];

        var before = 0L;
        for (var i = 0; i < 200; i++)
        {
            before = i == 100 ? GC.GetAllocatedBytesForCurrentThread() : before;
            await connection.WriteAsync(request);
            server.Receive(buffer);
            server.Send(response); // before the read, so that everything stays on this thread
            connection.Watch();
            var head = await connection.ReadHeadAsync();
            if (head.Status != 200 || await connection.SkipBodyAsync() != 5 || !connection.Reusable)
            {
                Assert.Fail("not the response");
            }
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2000);
        File.Delete(path);
    }

    [Fact]
    public async Task A_watched_idle_connection_knows_when_the_peer_has_closed_it()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var connection = await Http1Connection.ConnectAsync(listener.LocalEndpoint);
        var server = await listener.AcceptSocketAsync();
        connection.Watch();
        Assert.False(connection.Closed);
        server.Dispose();
        Assert.True(SpinWait.SpinUntil(() => connection.Closed, TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task Aborting_ends_a_pending_read_as_aborted()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var connection = await Http1Connection.ConnectAsync(listener.LocalEndpoint);
        var reading = connection.ReadHeadAsync().AsTask();
        connection.Abort();
        Assert.Equal(Http1Fault.Aborted, (await Assert.ThrowsAsync<Http1Exception>(() => reading)).Fault);
    }

    [Fact]
    public async Task Nobody_listening_is_a_connect_fault()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var endPoint = listener.LocalEndpoint;
        listener.Stop();
        var error = await Assert.ThrowsAsync<Http1Exception>(async () => await Http1Connection.ConnectAsync(endPoint));
        Assert.Equal(Http1Fault.Connect, error.Fault);
        var unix = await Assert.ThrowsAsync<Http1Exception>(async () => await Http1Connection.ConnectAsync(new UnixDomainSocketEndPoint("/tmp/nobody-here.sock")));
        Assert.Equal((Http1Fault.Connect, false), (unix.Fault, unix.Answered));
    }

    [Fact]
    public async Task A_socket_that_cannot_be_made_is_a_connect_fault_too()
    {
        var error = await Assert.ThrowsAsync<Http1Exception>(async () => await Http1Connection.ConnectAsync(new NoSocketEndPoint()));
        Assert.Equal(Http1Fault.Connect, error.Fault);
    }

    // As when the process is out of file descriptors: the constructor of the socket throws.
    private sealed class NoSocketEndPoint() : IPEndPoint(IPAddress.Loopback, 1)
    {
        public override AddressFamily AddressFamily => AddressFamily.DecNet;
    }
}
