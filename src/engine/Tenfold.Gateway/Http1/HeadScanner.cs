using System.Buffers;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Http1;

/// <summary>Looks for a request's head in what has arrived so far, in however many pieces.</summary>
internal static class HeadScanner
{
    /// <summary>What has come without an empty line before it (RFC 9112 section 2.2: it is ignored).</summary>
    public static ReadOnlySequence<byte> SkipEmptyLine(ReadOnlySequence<byte> buffer, out SequencePosition consumed)
    {
        if (buffer.FirstSpan is [(byte)'\r', (byte)'\n', ..])
        {
            buffer = buffer.Slice(2);
        }

        consumed = buffer.Start;
        return buffer;
    }

    /// <summary>The length of the head including the empty line that ends it, or -1; <paramref name="scanned"/> bytes have been looked at before.</summary>
    public static long End(ReadOnlySequence<byte> buffer, long scanned)
    {
        if (buffer.IsSingleSegment)
        {
            return HeadParser.FindEnd(buffer.FirstSpan, (int)scanned);
        }

        var from = Math.Max(0, scanned - 3);
        var reader = new SequenceReader<byte>(buffer.Slice(from));
        return reader.TryReadTo(out ReadOnlySequence<byte> _, "\r\n\r\n"u8) ? from + reader.Consumed : -1;
    }

    /// <summary>Whether this can never become a request, so that it need not be waited for: TLS on the wrong port, bare line feeds.</summary>
    public static bool IsHopeless(ReadOnlySequence<byte> buffer, long scanned)
    {
        if (buffer.IsEmpty || (buffer.FirstSpan[0] == '\r' && buffer.Length == 1))
        {
            return false;
        }

        if (!HeadParser.IsToken(buffer.FirstSpan[..1]))
        {
            return true;
        }

        // What was scanned before was in order, so a line feed at its end had its CR.
        var previous = scanned == 0 ? (byte)'\n' : (byte)'\r';
        foreach (var piece in buffer.Slice(Math.Max(0, scanned - 1)))
        {
            var span = piece.Span;
            for (var at = span.IndexOf((byte)'\n'); at >= 0;)
            {
                if ((at == 0 ? previous : span[at - 1]) != '\r')
                {
                    return true;
                }

                var next = span[(at + 1)..].IndexOf((byte)'\n');
                at = next < 0 ? -1 : at + 1 + next;
            }

            previous = span.IsEmpty ? previous : span[^1];
        }

        return false;
    }
}
