using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Tenfold.Gateway.Forwarding;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Http1;

/// <summary>Writes answers to an HTTP/1.x client.</summary>
internal static class Http1Response
{
    /// <summary>Writes an instance's head: what is end-to-end, with this connection's own framing.</summary>
    /// <param name="head">The instance's.</param>
    /// <param name="output">Where to.</param>
    /// <param name="date">The line that says when, for an answer without one (RFC 9110 section 6.6.1).</param>
    /// <param name="added">Lines of the gateway's own for a final answer.</param>
    /// <param name="http11">Whether the client speaks 1.1.</param>
    /// <param name="toHead">Whether it asked by HEAD.</param>
    /// <param name="keepAlive">Whether the connection may stay open; false on return when it may not after all.</param>
    /// <returns>Whether the body must be written in chunks.</returns>
    public static bool WriteHead(ResponseHead head, IBufferWriter<byte> output, ReadOnlySpan<byte> date, ReadOnlySpan<byte> added, bool http11, bool toHead, ref bool keepAlive)
    {
        var bytes = head.Bytes;
        var writer = new SpanWriter(output.GetSpan(bytes.Length + date.Length + added.Length + 128));
        var bodiless = head.Status is < 200 or 204 or 304 || toHead;
        var unknown = !bodiless && head.Framing is BodyFraming.Chunked or BodyFraming.UntilClose;
        var chunked = unknown && http11;
        keepAlive &= !unknown || http11;

        writer.Add("HTTP/1.1 "u8);
        var lineEnd = bytes.IndexOf((byte)'\r') + 2;
        writer.Add(bytes[9..lineEnd]);
        var dated = CopyFields(head, ref writer);
        if (head.Status is 101)
        {
            writer.Add("Connection: Upgrade\r\n"u8);
        }
        else if (head.Status >= 200)
        {
            writer.Add(dated ? default : date);
            writer.Add(added);
            if (chunked)
            {
                writer.Add("Transfer-Encoding: chunked\r\n"u8);
            }
            else if (head.ContentLength >= 0 && head.Status != 204)
            {
                writer.Add("Content-Length: "u8);
                writer.Add(head.ContentLength);
                writer.Add("\r\n"u8);
            }

            if (!keepAlive || !http11)
            {
                writer.Add(keepAlive ? "Connection: keep-alive\r\n"u8 : "Connection: close\r\n"u8);
            }
        }

        writer.Add("\r\n"u8);
        output.Advance(writer.Length);
        return chunked;
    }

    // Whether a Date was among them.
    private static bool CopyFields(ResponseHead head, ref SpanWriter writer)
    {
        var bytes = head.Bytes;
        var fields = head.Fields;
        var run = -1; // start of the lines that are copied together
        var dated = false;
        foreach (ref readonly var field in fields)
        {
            dated |= field.Known == KnownHeader.Date;
            var drops = field.Known switch
            {
                KnownHeader.Connection or KnownHeader.KeepAlive or KnownHeader.ProxyConnection
                    or KnownHeader.TransferEncoding or KnownHeader.ContentLength or KnownHeader.Te => true,
                KnownHeader.Upgrade => head.Status != 101,
                _ => HopByHop.IsListed(fields, bytes, field),
            };
            if (!drops)
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
            writer.Add(bytes[run..^2]);
        }

        return dated;
    }

    /// <summary>Writes an answer of the gateway's own.</summary>
    public static void WriteOwn(IBufferWriter<byte> output, int status, string contentType, ReadOnlySpan<byte> body, IReadOnlyList<(string Name, string Value)> more, ReadOnlySpan<byte> date, ReadOnlySpan<byte> added, bool toHead, bool keepAlive)
    {
        var head = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status} {Problem.Title(status)}\r\nContent-Type: {contentType}\r\nContent-Length: {body.Length}\r\nCache-Control: no-store\r\n" +
            (status == 503 ? "Retry-After: 1\r\n" : "") + string.Concat(more.Select(field => $"{field.Name}: {field.Value}\r\n")) + Encoding.ASCII.GetString(date) + Encoding.ASCII.GetString(added) + (keepAlive ? "\r\n" : "Connection: close\r\n\r\n"));
        output.Write(head);
        if (!toHead)
        {
            output.Write(body);
        }
    }

    public static void WriteChunk(IBufferWriter<byte> output, ReadOnlySpan<byte> piece)
    {
        var size = output.GetSpan(16);
        Utf8Formatter.TryFormat(piece.Length, size, out var written, new StandardFormat('x'));
        size[written] = (byte)'\r';
        size[written + 1] = (byte)'\n';
        output.Advance(written + 2);
        output.Write(piece);
        output.Write("\r\n"u8);
    }

    public static void WriteLastChunk(IBufferWriter<byte> output, HeaderTable trailers, ReadOnlySpan<byte> bytes)
    {
        output.Write("0\r\n"u8);
        TrailerLines.Write(trailers, bytes, output);
        output.Write("\r\n"u8);
    }
}
