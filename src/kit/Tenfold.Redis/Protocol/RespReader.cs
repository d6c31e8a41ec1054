using System.Buffers.Text;
using System.Globalization;

namespace Tenfold.Redis.Protocol;

/// <summary>Reads RESP3 (https://redis.io/docs/latest/develop/reference/protocol-spec/) into replies; RESP2's nulls too.</summary>
internal static class RespReader
{
    private static readonly byte[] Ok = "OK"u8.ToArray();
    private static readonly byte[] Queued = "QUEUED"u8.ToArray();

    /// <summary>
    /// Takes the reply that starts at the first byte if it is complete. If not, give the same scanner the same bytes and more.
    /// </summary>
    /// <exception cref="RespException">It is no RESP3 or over a limit.</exception>
    public static bool TryRead(ReadOnlySpan<byte> bytes, ref RespScanner scanner, RespLimits limits, out RedisReply reply, out int length)
    {
        if (scanner.IsAtStart && TryReadSimple(bytes, limits, out reply, out length))
        {
            return true;
        }

        reply = default;
        if (bytes.IsEmpty || !scanner.TryFind(bytes, limits, out length))
        {
            length = 0;
            return false;
        }

        var position = 0;
        reply = Read(bytes, ref position, 0);
        return true;
    }

    // The usual answers, complete: a text of bytes, OK, a number of few digits. Everything else, and everything that is not as
    // it should be, is left to the general way.
    private static bool TryReadSimple(ReadOnlySpan<byte> bytes, RespLimits limits, out RedisReply reply, out int length)
    {
        const int mostDigits = 9;
        reply = default;
        length = 0;
        if (bytes.Length < 4 || bytes[0] is not ((byte)'$' or (byte)':'))
        {
            if (!bytes.StartsWith("+OK\r\n"u8))
            {
                return false;
            }

            reply = RedisReply.OfText(Ok);
            length = 5;
            return true;
        }

        var (number, i) = (0, 1);
        for (; i < bytes.Length && i <= mostDigits && (uint)(bytes[i] - '0') <= 9; i++)
        {
            number = (number * 10) + (bytes[i] - '0');
        }

        if (i == 1 || i + 2 > bytes.Length || bytes[i] != '\r' || bytes[i + 1] != '\n')
        {
            return false;
        }

        i += 2;
        if (bytes[0] == ':')
        {
            reply = RedisReply.OfInteger(number);
            length = i;
            return true;
        }

        var end = i + number;
        if (end + 2 > limits.MaxBytes || end + 2 > bytes.Length || bytes[end] != '\r' || bytes[end + 1] != '\n')
        {
            return false;
        }

        reply = RedisReply.OfText(bytes[i..end].ToArray());
        length = end + 2;
        return true;
    }

    private static RedisReply Read(ReadOnlySpan<byte> bytes, ref int position, int depth)
    {
        if (depth > RespLimits.MaxDepth)
        {
            throw new RespException($"A reply is nested more than {RespLimits.MaxDepth} levels deep.");
        }

        var rest = bytes[position..];
        RespScanner.TryReadLine(rest, out var end);
        var line = rest[1..end];
        position += end + 2;
        switch (rest[0])
        {
            case (byte)'$':
                return ReadBulk(bytes, line, ref position, out var bulk) ? RedisReply.OfText(bulk.ToArray()) : default;
            case (byte)'+':
                return RedisReply.OfText(line.SequenceEqual("OK"u8) ? Ok : line.SequenceEqual("QUEUED"u8) ? Queued : line.ToArray());
            case (byte)':':
                return RedisReply.OfInteger(ReadInteger(line));
            case (byte)'_':
                return line.IsEmpty ? default : throw Malformed("null", line);
            case (byte)'-':
                return RedisReply.OfError(line.ToArray());
            case (byte)'*':
                return ReadItems(RedisReplyKind.Array, bytes, line, 1, ref position, depth);
            case (byte)'>':
                return ReadItems(RedisReplyKind.Push, bytes, line, 1, ref position, depth);
            case (byte)'%':
                return ReadItems(RedisReplyKind.Map, bytes, line, 2, ref position, depth);
            case (byte)'~':
                return ReadItems(RedisReplyKind.Set, bytes, line, 1, ref position, depth);
            case (byte)',':
                return RedisReply.OfDouble(ReadDouble(line));
            case (byte)'#':
                return line.Length == 1 && line[0] is (byte)'t' or (byte)'f' ? RedisReply.OfBoolean(line[0] == 't') : throw Malformed("boolean", line);
            case (byte)'(':
                return RedisReply.OfText(IsInteger(line) ? line.ToArray() : throw Malformed("big number", line));
            case (byte)'!':
                return ReadBulk(bytes, line, ref position, out var error) ? RedisReply.OfError(error.ToArray()) : default;
            case (byte)'=':
                return ReadBulk(bytes, line, ref position, out var verbatim)
                    ? verbatim.Length >= 4 && verbatim[3] == ':' ? RedisReply.OfText(verbatim[4..].ToArray()) : throw Malformed("verbatim string", verbatim)
                    : default;
            default: // an attribute says something about the value after it, and nothing that is needed here
                ReadItems(RedisReplyKind.Map, bytes, line, 2, ref position, depth);
                return Read(bytes, ref position, depth + 1);
        }
    }

    private static bool ReadBulk(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> line, ref int position, out ReadOnlySpan<byte> content)
    {
        var length = (int)RespScanner.ReadLength(line);
        if (length < 0)
        {
            content = default;
            return false;
        }

        content = bytes.Slice(position, length);
        position += length + 2;
        return true;
    }

    private static RedisReply ReadItems(RedisReplyKind kind, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> line, int times, ref int position, int depth)
    {
        var count = RespScanner.ReadLength(line);
        if (count < 0)
        {
            return default;
        }

        var items = count == 0 ? [] : new RedisReply[count * times];
        for (var i = 0; i < items.Length; i++)
        {
            items[i] = Read(bytes, ref position, depth + 1);
        }

        return RedisReply.OfItems(kind, items);
    }

    private static long ReadInteger(ReadOnlySpan<byte> line)
    {
        var digits = !line.IsEmpty && line[0] == '+' ? line[1..] : line;
        return IsInteger(digits) && Utf8Parser.TryParse(digits, out long number, out var used) && used == digits.Length
            ? number
            : throw Malformed("integer", line);
    }

    private static bool IsInteger(ReadOnlySpan<byte> line)
    {
        var digits = !line.IsEmpty && line[0] == '-' ? line[1..] : line;
        return !digits.IsEmpty && !digits.ContainsAnyExceptInRange((byte)'0', (byte)'9');
    }

    private static double ReadDouble(ReadOnlySpan<byte> line)
    {
        if (line.SequenceEqual("inf"u8))
        {
            return double.PositiveInfinity;
        }

        if (line.SequenceEqual("-inf"u8))
        {
            return double.NegativeInfinity;
        }

        if (line.SequenceEqual("nan"u8) || line.SequenceEqual("-nan"u8))
        {
            return double.NaN;
        }

        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return double.TryParse(line, style, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : throw Malformed("double", line);
    }

    private static RespException Malformed(string what, ReadOnlySpan<byte> found) => new($"'{RespScanner.Printable(found)}' is no {what}.");
}
