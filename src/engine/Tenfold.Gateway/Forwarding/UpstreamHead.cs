using System.Buffers.Text;
using System.Text;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Forwarding;

/// <summary>
/// Writes the head of a request to an instance: everything end-to-end as it was sent, nothing hop-by-hop, and who the
/// client is.
/// </summary>
internal static class UpstreamHead
{
    /// <summary>Writes it to the start of <paramref name="into"/>, which grows if it must.</summary>
    /// <returns>Its length.</returns>
    public static int Write(RequestHead request, ClientAddress client, ref byte[] into)
    {
        // What is added: framing, the connection's own lines and up to four forwarding headers that repeat the host.
        var most = request.Length + request.Method.Length + (2 * request.HostBytes.Length) + client.MaxLength + 256;
        if (into.Length < most)
        {
            into = new byte[Math.Max(2048, most * 2)];
        }

        var writer = new SpanWriter(into);
        writer.Add(request.Method);
        writer.Add((byte)' ');
        writer.Add(request.TargetBytes);
        writer.Add(" HTTP/1.1\r\nHost: "u8);
        writer.Add(request.HostBytes);
        writer.Add("\r\n"u8);
        CopyFields(request, client.Trusted, ref writer);
        AddForwarding(request, client, ref writer);
        if (request.Chunked)
        {
            writer.Add("Transfer-Encoding: chunked\r\n"u8);
        }
        else if (request.ContentLength >= 0)
        {
            writer.Add("Content-Length: "u8);
            writer.Add(request.ContentLength);
            writer.Add("\r\n"u8);
        }

        if (!request.UpgradeBytes.IsEmpty)
        {
            writer.Add("Connection: Upgrade\r\nUpgrade: "u8);
            writer.Add(request.UpgradeBytes);
            writer.Add("\r\n"u8);
        }

        writer.Add("\r\n"u8);
        return writer.Length;
    }

    private static void CopyFields(RequestHead request, bool trusted, ref SpanWriter writer)
    {
        var bytes = request.Bytes;
        var fields = request.Fields;
        var run = -1; // start of the lines that are copied together
        for (var i = 0; i < fields.Length; i++)
        {
            ref readonly var field = ref fields[i];
            if (!Drops(request, field, trusted))
            {
                run = run < 0 ? field.NameStart : run;
            }
            else if (run >= 0)
            {
                writer.Add(bytes[run..field.NameStart]);
                run = -1;
            }
        }

        if (run >= 0)
        {
            writer.Add(bytes[run..^2]); // without the empty line
        }
    }

    private static bool Drops(RequestHead request, in HeaderField field, bool trusted) => field.Known switch
    {
        KnownHeader.Connection or KnownHeader.KeepAlive or KnownHeader.ProxyConnection or KnownHeader.TransferEncoding
            or KnownHeader.ContentLength or KnownHeader.Te or KnownHeader.Upgrade or KnownHeader.Host or KnownHeader.Expect
            or KnownHeader.Http2Settings or KnownHeader.Forwarded or KnownHeader.XForwardedFor
            or KnownHeader.XForwardedHost or KnownHeader.XForwardedProto => true,
        KnownHeader.None => (!trusted && IsXForwarded(field.Name(request.Bytes))) || HopByHop.IsListed(request.Fields, request.Bytes, field),
        _ => HopByHop.IsListed(request.Fields, request.Bytes, field),
    };

    private static bool IsXForwarded(ReadOnlySpan<byte> name) =>
        name.Length > 12 && (name[0] | 0x20) == 'x' && HeaderNames.Is(name[..12], "x-forwarded-"u8);

    private static void AddForwarding(RequestHead request, ClientAddress client, ref SpanWriter writer)
    {
        writer.Add("X-Forwarded-For: "u8);
        AddBelieved(request, client.Trusted, KnownHeader.XForwardedFor, ref writer, separator: ", "u8);
        writer.Add(client.Text);
        writer.Add("\r\nX-Forwarded-Proto: "u8);
        if (!AddBelieved(request, client.Trusted, KnownHeader.XForwardedProto, ref writer, default))
        {
            writer.Add(client.Scheme);
        }

        writer.Add("\r\nX-Forwarded-Host: "u8);
        if (!AddBelieved(request, client.Trusted, KnownHeader.XForwardedHost, ref writer, default))
        {
            writer.Add(request.HostBytes);
        }

        writer.Add("\r\nForwarded: "u8);
        AddBelieved(request, client.Trusted, KnownHeader.Forwarded, ref writer, separator: ", "u8);
        writer.Add("for="u8);
        writer.Add(client.Node);
        writer.Add(";host=\""u8);
        writer.Add(request.HostBytes);
        writer.Add("\";proto="u8);
        writer.Add(client.Scheme);
        // RFC 9110 section 7.6.3: a gateway must say so, after those before it.
        writer.Add(request.Http2 ? "\r\nVia: 2 tenfold\r\n"u8 : request.Http11 ? "\r\nVia: 1.1 tenfold\r\n"u8 : "\r\nVia: 1.0 tenfold\r\n"u8);
    }

    private static bool AddBelieved(RequestHead request, bool trusted, KnownHeader name, ref SpanWriter writer, ReadOnlySpan<byte> separator)
    {
        var any = false;
        for (var i = 0; trusted && i < request.Fields.Length; i++)
        {
            if (request.Fields[i].Known == name)
            {
                writer.Add(any && separator.IsEmpty ? ", "u8 : default);
                writer.Add(request.Fields[i].Value(request.Bytes));
                writer.Add(separator);
                any = true;
            }
        }

        return any;
    }
}

/// <summary>Header lines that end at the next hop because <c>Connection</c> lists them.</summary>
internal static class HopByHop
{
    /// <summary>Whether a <c>Connection</c> line names this field.</summary>
    public static bool IsListed(ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> bytes, in HeaderField candidate)
    {
        foreach (ref readonly var field in fields)
        {
            if (field.Known == KnownHeader.Connection && field.ValueLength > 0)
            {
                var list = field.Value(bytes);
                if (!HeaderNames.Is(list, "keep-alive"u8) && !HeaderNames.Is(list, "close"u8) && HeaderNames.ListHas(list, candidate.Name(bytes)))
                {
                    return true;
                }
            }
        }

        return false;
    }
}

/// <summary>Appends to a span that is known to be large enough.</summary>
internal ref struct SpanWriter(Span<byte> into)
{
    private readonly Span<byte> _into = into;

    public int Length { get; private set; }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_into[Length..]);
        Length += bytes.Length;
    }

    public void Add(string ascii) => Length += Encoding.ASCII.GetBytes(ascii, _into[Length..]);

    public void Add(byte one) => _into[Length++] = one;

    public void Add(long number)
    {
        Utf8Formatter.TryFormat(number, _into[Length..], out var written);
        Length += written;
    }
}
