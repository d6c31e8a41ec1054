using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Tenfold.Redis.Connections;
using Tenfold.Redis.Protocol;

namespace Tenfold.Redis.Tests.Protocol;

public sealed class RespReaderTests
{
    private static readonly RespLimits Limits = new(1024 * 1024);

    [Fact]
    public void A_value_means_the_same_wherever_the_input_is_split() => Prop.ForAll(RespText.Any.ToArbitrary(), text =>
    {
        Assert.Equal([text.Meaning], Read([text.Bytes]));
        var step = Math.Max(1, text.Bytes.Length / 200); // every place of all but the largest
        for (var cut = 1; cut < text.Bytes.Length; cut += step)
        {
            Assert.Equal([text.Meaning], Read([text.Bytes[..cut], text.Bytes[cut..]]));
        }

        Assert.Equal([text.Meaning], Read(text.Bytes.Chunk(step)));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Values_that_follow_each_other_are_told_apart() => Prop.ForAll(RespText.Any.ArrayOf().ToArbitrary(), Gen.Choose(1, 40).ToArbitrary(), (texts, piece) =>
    {
        var bytes = texts.SelectMany(text => text.Bytes).ToArray();
        Assert.Equal(texts.Select(text => text.Meaning), Read(bytes.Chunk(piece)));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_incomplete_value_is_never_taken_for_a_complete_one() => Prop.ForAll(RespText.Any.ToArbitrary(), text =>
    {
        for (var length = 0; length < text.Bytes.Length; length += Math.Max(1, text.Bytes.Length / 200))
        {
            Assert.Empty(Read([text.Bytes[..length]]));
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Damaged_input_is_read_or_refused_and_nothing_else() => Prop.ForAll(
        RespText.Any.ToArbitrary(), Gen.Choose(0, 10_000).ToArbitrary(), Gen.Choose(0, 255).ToArbitrary(), (text, place, value) =>
    {
        var bytes = text.Bytes.ToArray();
        bytes[place % bytes.Length] = (byte)value;
        try
        {
            Read(bytes.Chunk(7));
        }
        catch (RespException)
        {
            // what it is for
        }
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("hello\r\n", "cannot begin with byte 0x68")]
    [InlineData("\r\n", "CR LF")]
    [InlineData("+OK\n", "CR LF")]
    [InlineData("+O\rK\r\n", "CR LF")]
    [InlineData("$\r\n", "'' is no length")]
    [InlineData("$-2\r\n", "'-2' is no length")]
    [InlineData("$+1\r\n", "'+1' is no length")]
    [InlineData("$1x\r\n", "'1x' is no length")]
    [InlineData("$99999999999999999999\r\n", "is no length")]
    [InlineData("$3\r\nabcd\r\n", "does not end after them")]
    [InlineData("$2097152\r\n", "larger than 1048576 bytes")]
    [InlineData("*1000000000\r\n", "larger than 1048576 bytes")]
    [InlineData("%9999999999\r\n", "larger than 1048576 bytes")]
    [InlineData(":12.5\r\n", "'12.5' is no integer")]
    [InlineData(":9223372036854775808\r\n", "is no integer")]
    [InlineData(":\r\n", "'' is no integer")]
    [InlineData("#x\r\n", "'x' is no boolean")]
    [InlineData("_x\r\n", "'x' is no null")]
    [InlineData(",1,5\r\n", "'1,5' is no double")]
    [InlineData("(12x\r\n", "'12x' is no big number")]
    [InlineData("=3\r\nabc\r\n", "'abc' is no verbatim string")]
    [InlineData("$?\r\n", "'?' is no length")]
    [InlineData("*?\r\n", "'?' is no length")]
    public void Malformed_input_is_refused_with_what_was_found(string text, string message)
    {
        var error = Assert.Throws<RespException>(() => Read(Encoding.ASCII.GetBytes(text).Chunk(1)));
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_and_endless_lines_are_bounded()
    {
        var deep = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("*1\r\n", 10_000)) + "+OK\r\n");
        Assert.Contains("nested more than 64", Assert.Throws<RespException>(() => Read([deep])).Message, StringComparison.Ordinal);
        var attributes = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("|0\r\n", 10_000)) + "+OK\r\n");
        Assert.Throws<RespException>(() => Read([attributes]));
        var endless = Encoding.ASCII.GetBytes("+" + new string('x', RespLimits.MaxLine + 1));
        Assert.Contains("longer than 65536", Assert.Throws<RespException>(() => Read([endless])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_announced_length_costs_no_memory_until_its_bytes_come()
    {
        var buffer = new ReceiveBuffer();
        buffer.Room(0).Span[0] = (byte)'$';
        buffer.Received(1);
        Assert.InRange(buffer.Room(512 * 1024 * 1024).Length, 1, 1024 * 1024);
        buffer.Release();
    }

    [Fact]
    public void A_large_array_is_looked_at_once_however_it_comes()
    {
        // 200,000 elements in pieces of 100 bytes: a reader that began again each time would take minutes.
        var bytes = Encoding.ASCII.GetBytes("*200000\r\n" + string.Concat(Enumerable.Repeat(":1\r\n", 200_000)));
        Assert.Single(Read(bytes.Chunk(100)));
    }

    // As a connection does it.
    private static List<string> Read(IEnumerable<byte[]> pieces)
    {
        var buffer = new ReceiveBuffer();
        var scanner = default(RespScanner);
        var read = new List<string>();
        foreach (var piece in pieces)
        {
            for (var rest = piece.AsMemory(); !rest.IsEmpty;)
            {
                var room = buffer.Room(scanner.Needed);
                var count = Math.Min(room.Length, rest.Length);
                rest[..count].CopyTo(room);
                buffer.Received(count);
                rest = rest[count..];
                while (RespReader.TryRead(buffer.Unread, ref scanner, Limits, out var reply, out var length))
                {
                    buffer.Taken(length);
                    read.Add(RespText.Describe(reply));
                }
            }
        }

        buffer.Release();
        return read;
    }
}
