using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Tenfold.Gateway.Routing;

/// <summary>
/// Turns the path of a request into what routes are matched against. The path that goes to the instance is the one the
/// client sent; so whatever an instance might read as another path than this one is refused: dot segments (also encoded,
/// also behind an encoded slash or before <c>;</c>), backslashes, NUL, broken percent-encoding, invalid UTF-8.
/// </summary>
internal static class RequestPath
{
    private static readonly SearchValues<byte> Special = SearchValues.Create("%\\;"u8);

    /// <summary>Decodes <paramref name="raw"/> (no query); an encoded slash stays encoded.</summary>
    /// <param name="raw">Path as sent; begins with a slash.</param>
    /// <param name="path">At least as long as <paramref name="raw"/>.</param>
    /// <param name="length">Characters written.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? Decode(ReadOnlySpan<byte> raw, Span<char> path, out int length)
    {
        if (raw.IndexOfAny(Special) < 0 && raw.IndexOf("/."u8) < 0 && Ascii.IsValid(raw))
        {
            length = Encoding.Latin1.GetChars(raw, path);
            return null;
        }

        length = 0;
        var buffer = ArrayPool<byte>.Shared.Rent(raw.Length);
        try
        {
            if (Unescape(raw, buffer, out var count) is { } wrong)
            {
                return wrong;
            }

            var bytes = buffer.AsSpan(0, count);
            if (!Utf8.IsValid(bytes))
            {
                return "The path is not valid UTF-8.";
            }

            length = Encoding.UTF8.GetChars(bytes, path);
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static string? Unescape(ReadOnlySpan<byte> raw, Span<byte> into, out int count)
    {
        count = 0;
        var (length, dots) = (0, 0); // of the current segment
        for (var i = 0; i < raw.Length; i++)
        {
            var c = raw[i];
            var encoded = c == '%';
            if (encoded)
            {
                if (i + 2 >= raw.Length || !char.IsAsciiHexDigit((char)raw[i + 1]) || !char.IsAsciiHexDigit((char)raw[i + 2]))
                {
                    return "The path has a broken percent-encoding.";
                }

                c = (byte)((Hex(raw[i + 1]) << 4) | Hex(raw[i + 2]));
                i += 2;
            }
            else if (c == '\\')
            {
                return "The path has a backslash.";
            }

            if (c == 0)
            {
                return "The path has a NUL.";
            }

            var separator = c is (byte)'/' or (byte)'\\';
            if ((separator || c == ';') && IsDots(length, dots))
            {
                return "The path has dot segments.";
            }

            (length, dots) = separator ? (0, 0) : (length + 1, c == '.' ? dots + 1 : dots);
            if (encoded && separator)
            {
                (into[count], into[count + 1], into[count + 2]) = ((byte)'%', raw[i - 1], raw[i]);
                count += 3;
            }
            else
            {
                into[count++] = c;
            }
        }

        return IsDots(length, dots) ? "The path has dot segments." : null;
    }

    private static bool IsDots(int length, int dots) => length is 1 or 2 && dots == length;

    private static int Hex(byte c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}
