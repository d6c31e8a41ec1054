using System.Buffers;

namespace Tenfold.Wire.Http1;

/// <summary>
/// Header lines by RFC 9112 section 5, strictly: CRLF only, no folding, no space before the colon, no control characters.
/// What it accepts cannot be read differently by the next server.
/// </summary>
public static class HeadParser
{
    /// <summary>Most header lines of one message.</summary>
    public const int MaxFields = 256;

    private static readonly SearchValues<byte> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    // Everything below space but HTAB, and DEL: what may not stand in a value, and CR, which ends it.
    private static readonly SearchValues<byte> Control = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127]);

    /// <summary>
    /// Looks for the empty line that ends a head.
    /// </summary>
    /// <param name="bytes">What has arrived.</param>
    /// <param name="scanned">How much of it an earlier call has seen; 0 at first.</param>
    /// <returns>The length of the head including the empty line, or -1.</returns>
    public static int FindEnd(ReadOnlySpan<byte> bytes, int scanned)
    {
        var from = Math.Max(0, scanned - 3);
        var at = bytes[from..].IndexOf("\r\n\r\n"u8);
        return at < 0 ? -1 : from + at + 4;
    }

    /// <summary>Reads header lines up to the empty line.</summary>
    /// <param name="head">Buffer that holds them; it ends with the empty line.</param>
    /// <param name="start">Where the first line begins.</param>
    /// <param name="table">Where they go; the caller has cleared it.</param>
    /// <returns>What is wrong, or null.</returns>
    public static string? ParseFields(ReadOnlySpan<byte> head, int start, HeaderTable table)
    {
        var at = start;
        while (true)
        {
            var line = head[at..];
            if (line is [(byte)'\r', (byte)'\n', ..])
            {
                return line.Length == 2 ? null : "an empty line before its end";
            }

            var colon = line.IndexOfAnyExcept(Token);
            if (colon <= 0 || line[colon] != ':')
            {
                return colon == 0 && line[0] is (byte)' ' or (byte)'\t' ? "a folded header line" : "a header line without a valid name and colon";
            }

            var rest = line[(colon + 1)..];
            var end = rest.IndexOfAny(Control);
            if (end < 0 || rest[end] != '\r' || end + 1 >= rest.Length || rest[end + 1] != '\n')
            {
                return "a control character in a header value";
            }

            if (table.Count == MaxFields)
            {
                return "more than 256 header lines";
            }

            var (from, to) = (0, end);
            while (from < to && rest[from] is (byte)' ' or (byte)'\t')
            {
                from++;
            }

            while (to > from && rest[to - 1] is (byte)' ' or (byte)'\t')
            {
                to--;
            }

            table.Add(new HeaderField(at, colon, at + colon + 1 + from, to - from, HeaderNames.Classify(line[..colon])));
            at += colon + 1 + end + 2;
        }
    }

    /// <summary>Whether this is a token (method, header name).</summary>
    public static bool IsToken(ReadOnlySpan<byte> text) => !text.IsEmpty && text.IndexOfAnyExcept(Token) < 0;

    /// <summary>Whether it holds a control character other than HTAB.</summary>
    public static bool HasControl(ReadOnlySpan<byte> text) => text.IndexOfAny(Control) >= 0;

    /// <summary>Reads a <c>Content-Length</c>: digits only, no sign, no more than fits.</summary>
    public static bool TryParseLength(ReadOnlySpan<byte> text, out long length)
    {
        length = 0;
        if (text.IsEmpty || text.Length > 18)
        {
            return false;
        }

        foreach (var c in text)
        {
            if (c is < (byte)'0' or > (byte)'9')
            {
                return false;
            }

            length = (length * 10) + (c - '0');
        }

        return true;
    }
}
