using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Tenfold.Load.Http;
using Tenfold.Load.Scenarios;
using Tenfold.Wire.Http1;

namespace Tenfold.Load.Tests.Http;

public sealed class ResponseReaderTests
{
    private static readonly string[] Responses =
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ];

    [Fact]
    public void A_response_is_read_the_same_in_whatever_pieces_it_comes() => Prop.ForAll(
        Gen.Elements(Responses).ToArbitrary(),
        Gen.Choose(1, 40).ArrayOf().ToArbitrary(),
        (response, sizes) =>
        {
            var reader = Read(response, sizes, out var body);
            return reader is { Complete: true, Error: null, Status: 200, KeepAlive: true } && body == "hello";
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", 204, true)]
    [InlineData("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 304, true)]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", 404, false)]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, false)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n", 200, false)]
    public void The_end_and_the_fate_of_the_connection_are_known(string response, int status, bool keepAlive)
    {
        var reader = Read(response, [], out _);
        Assert.Equal((true, null, status, keepAlive), (reader.Complete, reader.Error, reader.Status, reader.KeepAlive));
    }

    [Fact]
    public void A_body_without_a_length_ends_with_the_connection()
    {
        var reader = Read("HTTP/1.1 200 OK\r\n\r\nhello", [], out _);
        Assert.False(reader.Complete);
        reader.End();
        Assert.Equal((true, null, false), (reader.Complete, reader.Error, reader.KeepAlive));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Enc")]
    [InlineData("")]
    public void A_connection_closed_too_early_is_an_error(string part)
    {
        var reader = Read(part, [], out _);
        reader.End();
        Assert.False(reader.Complete);
        Assert.NotNull(reader.Error);
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    public void What_is_not_HTTP_is_an_error(string response) => Assert.NotNull(Read(response, [], out _).Error);

    [Fact]
    public void A_head_without_an_end_is_refused_at_64_KiB()
    {
        var reader = Read("HTTP/1.1 200 OK\r\n" + string.Concat(Enumerable.Repeat("X-Filler: 0123456789012345678901234567890123456789\r\n", 2000)), [], out _);
        Assert.Equal("the response head is larger than 64 KiB", reader.Error);
    }

    [Fact]
    public void A_body_that_is_too_large_to_keep_is_read_all_the_same()
    {
        var kept = new ByteBuffer();
        var reader = new ResponseReader(new ResponseHead());
        reader.Begin(kept);
        Feed(reader, $"HTTP/1.1 200 OK\r\nContent-Length: {ResponseReader.MaxKept + 1}\r\n\r\n");
        var piece = new byte[1024 * 1024];
        for (var i = 0; i < ResponseReader.MaxKept / piece.Length; i++)
        {
            reader.Feed(piece, piece.Length);
        }

        reader.Feed(piece, 1);
        Assert.Equal((true, true), (reader.Complete, reader.Overflowed));
    }

    private static ResponseReader Read(string response, int[] sizes, out string body)
    {
        var kept = new ByteBuffer();
        var reader = new ResponseReader(new ResponseHead());
        reader.Begin(kept);
        var (at, turn) = (0, 0);
        while (at < response.Length && reader.Error is null)
        {
            var size = Math.Min(sizes.Length == 0 ? 60_000 : sizes[turn++ % sizes.Length], response.Length - at);
            Feed(reader, response.Substring(at, size));
            at += size;
        }

        body = Encoding.UTF8.GetString(kept.Span);
        return reader;
    }

    private static void Feed(ResponseReader reader, string text)
    {
        var bytes = new byte[64 * 1024];
        reader.Feed(bytes, Encoding.UTF8.GetBytes(text, bytes));
    }
}
