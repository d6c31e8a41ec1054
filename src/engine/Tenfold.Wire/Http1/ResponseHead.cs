namespace Tenfold.Wire.Http1;

/// <summary>How the end of a body is known (RFC 9112 section 6.3).</summary>
public enum BodyFraming : byte
{
    None,
    Length,
    Chunked,
    UntilClose,
}

/// <summary>
/// Status line and header lines of a response, as places in the connection's buffer.
/// Valid until the connection reads on; reused by the next response. Not thread-safe.
/// </summary>
public sealed class ResponseHead
{
    private readonly HeaderTable _table = new();
    private byte[] _buffer = [];
    private int _start;
    private int _length;

    /// <summary>100 to 999.</summary>
    public int Status { get; private set; }

    /// <summary>Whether the server speaks HTTP/1.1 (else 1.0).</summary>
    public bool Http11 { get; private set; }

    /// <summary>How the body ends.</summary>
    public BodyFraming Framing { get; private set; }

    /// <summary>The body's bytes when <see cref="Framing"/> is <see cref="BodyFraming.Length"/>; for HEAD and 304 what the server announced; -1 if unknown.</summary>
    public long ContentLength { get; private set; }

    /// <summary>Whether the connection may be used again after the body.</summary>
    public bool KeepAlive { get; private set; }

    /// <summary>How long the server keeps an idle connection open, if it says so (<c>Keep-Alive: timeout=5</c>).</summary>
    public int? KeepAliveSeconds { get; private set; }

    /// <summary>Whether another head follows this one (1xx but not 101).</summary>
    public bool Interim => Status is >= 100 and < 200 and not 101;

    /// <summary>The whole head; header fields are places in it.</summary>
    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(_start, _length);

    /// <summary>The header lines in order.</summary>
    public ReadOnlySpan<HeaderField> Fields => _table.Fields;

    /// <summary>The value of the first header of this name; empty and false when there is none.</summary>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        foreach (ref readonly var field in Fields)
        {
            if (field.NameLength == name.Length && HeaderNames.Is(field.Name(Bytes), name))
            {
                value = field.Value(Bytes);
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>Reads a head that ends with its empty line.</summary>
    /// <returns>What is wrong, or null.</returns>
    public string? Parse(byte[] buffer, int start, int length, bool toHead)
    {
        (_buffer, _start, _length) = (buffer, start, length);
        _table.Clear();
        var head = Bytes;

        // HTTP/1.x SP 3DIGIT [SP reason] CRLF
        if (head.Length < 14 || !head.StartsWith("HTTP/1."u8) || head[7] is not ((byte)'0' or (byte)'1') || head[8] != ' ')
        {
            return "the status line is not HTTP/1.x";
        }

        Http11 = head[7] == '1';
        if (!char.IsAsciiDigit((char)head[9]) || !char.IsAsciiDigit((char)head[10]) || !char.IsAsciiDigit((char)head[11]) || head[12] is not ((byte)' ' or (byte)'\r'))
        {
            return "the status is not three digits";
        }

        Status = ((head[9] - '0') * 100) + ((head[10] - '0') * 10) + (head[11] - '0');
        if (Status < 100)
        {
            return "the status is below 100";
        }

        var end = head.IndexOf("\r\n"u8);
        if (HeadParser.HasControl(head[12..end]))
        {
            return "a control character in the status line";
        }

        return HeadParser.ParseFields(head, end + 2, _table) ?? Frame(toHead);
    }

    private string? Frame(bool toHead)
    {
        var head = Bytes;
        var (close, keep, chunked) = (false, false, false);
        (ContentLength, KeepAliveSeconds) = (-1, null);
        foreach (ref readonly var field in Fields)
        {
            switch (field.Known)
            {
                case KnownHeader.Connection:
                    close |= HeaderNames.ListHas(field.Value(head), "close"u8);
                    keep |= HeaderNames.ListHas(field.Value(head), "keep-alive"u8);
                    break;
                case KnownHeader.KeepAlive:
                    KeepAliveSeconds = Seconds(field.Value(head));
                    break;
                case KnownHeader.TransferEncoding:
                    if (chunked || !HeaderNames.Is(field.Value(head), "chunked"u8))
                    {
                        return "a transfer encoding other than chunked";
                    }

                    chunked = true;
                    break;
                case KnownHeader.ContentLength:
                    if (AddLength(field.Value(head)) is { } wrong)
                    {
                        return wrong;
                    }

                    break;
                default:
                    break;
            }
        }

        if (chunked && (ContentLength >= 0 || !Http11))
        {
            return ContentLength >= 0 ? "both Content-Length and Transfer-Encoding" : "Transfer-Encoding from an HTTP/1.0 server";
        }

        Framing = toHead || Status is < 200 or 204 or 304 ? BodyFraming.None
            : chunked ? BodyFraming.Chunked
            : ContentLength > 0 ? BodyFraming.Length
            : ContentLength == 0 ? BodyFraming.None
            : BodyFraming.UntilClose;
        KeepAlive = !close && (Http11 || keep) && Framing != BodyFraming.UntilClose && Status != 101;
        return null;
    }

    private static int? Seconds(ReadOnlySpan<byte> parameters)
    {
        var at = parameters.IndexOf("timeout="u8);
        return at >= 0 && System.Buffers.Text.Utf8Parser.TryParse(parameters[(at + 8)..], out int seconds, out _) ? seconds : null;
    }

    // RFC 9110 section 8.6: the same value repeated, as lines or as a list, is one value; anything else is an error.
    private string? AddLength(ReadOnlySpan<byte> list)
    {
        while (true)
        {
            var comma = list.IndexOf((byte)',');
            var item = (comma < 0 ? list : list[..comma]).Trim(" \t"u8);
            if (!HeadParser.TryParseLength(item, out var length))
            {
                return "a Content-Length that is not a number";
            }

            if (ContentLength >= 0 && ContentLength != length)
            {
                return "two different Content-Lengths";
            }

            ContentLength = length;
            if (comma < 0)
            {
                return null;
            }

            list = list[(comma + 1)..];
        }
    }
}
