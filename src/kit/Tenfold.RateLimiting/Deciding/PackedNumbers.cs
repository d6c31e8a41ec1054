using System.Buffers.Binary;

namespace Tenfold.RateLimiting.Deciding;

/// <summary>
/// An array of numbers, none of them negative, in MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md): what
/// Redis' Lua packs and unpacks in one call, and much less to read for Redis than as many words.
/// </summary>
internal static class PackedNumbers
{
    /// <summary>Bytes of an array's head.</summary>
    public const int HeadLength = 5;

    /// <summary>Bytes of one number at most.</summary>
    public const int MaxLength = 9;

    public static int WriteHead(Span<byte> into, int count)
    {
        into[0] = 0xdd;
        BinaryPrimitives.WriteUInt32BigEndian(into[1..], (uint)count);
        return HeadLength;
    }

    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> into, long number)
    {
        switch (number)
        {
            case < 0x80:
                into[0] = (byte)number;
                return 1;
            case <= uint.MaxValue:
                into[0] = 0xce;
                BinaryPrimitives.WriteUInt32BigEndian(into[1..], (uint)number);
                return 5;
            default:
                into[0] = 0xcf;
                BinaryPrimitives.WriteUInt64BigEndian(into[1..], (ulong)number);
                return 9;
        }
    }

    /// <summary>Takes an array's head.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static int ReadHead(ref ReadOnlySpan<byte> from) => Byte(ref from) switch
    {
        >= 0x90 and <= 0x9f and var head => head & 0xf,
        0xdc => (int)Unsigned(ref from, 2),
        0xdd => (int)Unsigned(ref from, 4),
        var other => throw Unfit(other),
    };

    /// <summary>Takes a number; parts of a microsecond are dropped.</summary>
    /// <exception cref="FormatException">There is none, or it is negative.</exception>
    public static long Read(ref ReadOnlySpan<byte> from)
    {
        var head = Byte(ref from);
        var number = head switch
        {
            < 0x80 => head,
            0xcc => (long)Unsigned(ref from, 1),
            0xcd => (long)Unsigned(ref from, 2),
            0xce => (long)Unsigned(ref from, 4),
            0xcf or 0xd3 => (long)Unsigned(ref from, 8),
            0xca => (long)BitConverter.UInt32BitsToSingle((uint)Unsigned(ref from, 4)),
            0xcb => (long)BitConverter.UInt64BitsToDouble(Unsigned(ref from, 8)),
            _ => throw Unfit(head),
        };
        return number >= 0 ? number : throw Unfit(head);
    }

    private static byte Byte(ref ReadOnlySpan<byte> from) => (byte)Unsigned(ref from, 1);

    private static ulong Unsigned(ref ReadOnlySpan<byte> from, int bytes)
    {
        if (from.Length < bytes)
        {
            throw new FormatException("The script's answer is cut off.");
        }

        ulong number = 0;
        foreach (var one in from[..bytes])
        {
            number = (number << 8) | one;
        }

        from = from[bytes..];
        return number;
    }

    private static FormatException Unfit(byte found) => new($"The script's answer holds 0x{found:x2} where a number is expected.");
}
