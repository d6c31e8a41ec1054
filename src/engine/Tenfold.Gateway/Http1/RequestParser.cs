using System.Buffers;
using System.Text.Unicode;
using Tenfold.Gateway.Forwarding;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Http1;

/// <summary>
/// Reads a request head by RFC 9112 and refuses whatever two servers might read differently: ambiguous framing above all.
/// </summary>
internal static class RequestParser
{
    private const int MaxConnection = 256;

    private static readonly SearchValues<byte> HostCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_~:[]%!$&'()*+,;="u8);

    /// <summary>Reads the head that fills <see cref="RequestHead.Bytes"/>.</summary>
    /// <returns>Status and reason of the refusal, or 0.</returns>
    public static (int Status, string Detail) Parse(RequestHead head)
    {
        var bytes = head.Bytes;
        var lineEnd = bytes.IndexOf("\r\n"u8);
        var line = bytes[..lineEnd];
        var space = line.IndexOf((byte)' ');
        var last = line.LastIndexOf((byte)' ');
        if (space <= 0 || last <= space + 1 || !HeadParser.IsToken(line[..space]))
        {
            return (400, "The request line is not METHOD TARGET VERSION.");
        }

        var version = line[(last + 1)..];
        head.Http11 = version.SequenceEqual("HTTP/1.1"u8);
        if (!head.Http11 && !version.SequenceEqual("HTTP/1.0"u8))
        {
            return version.StartsWith("HTTP/"u8) ? (505, "Only HTTP/1.0, 1.1 and 2 are spoken here.") : (400, "The request line is not METHOD TARGET VERSION.");
        }

        if (HeadParser.HasControl(line) || line[(space + 1)..last].IndexOf((byte)' ') >= 0)
        {
            return (400, "The request target has a control character or a space.");
        }

        if (HeadParser.ParseFields(bytes, lineEnd + 2, head.Table) is { } wrong)
        {
            return (head.Table.Count == HeadParser.MaxFields ? 431 : 400, $"The request has {wrong}.");
        }

        if (!Utf8.IsValid(bytes))
        {
            return (400, "The request head is not valid UTF-8.");
        }

        head.Method = RequestHead.MethodOf(line[..space]);
        var refusal = ReadFields(head);
        return refusal.Status != 0 ? refusal : ReadTarget(head, space + 1, last - space - 1);
    }

    private static (int Status, string Detail) ReadFields(RequestHead head)
    {
        var (hosts, listed, close, keep, upgrade) = (0, 0, false, false, false);
        Range protocol = default;
        foreach (ref readonly var field in head.Fields)
        {
            var value = field.Value(head.Bytes);
            switch (field.Known)
            {
                case KnownHeader.Host:
                    hosts++;
                    head.Host = field.ValueStart..(field.ValueStart + field.ValueLength);
                    break;
                case KnownHeader.ContentLength:
                    if (head.ContentLength >= 0 || !HeadParser.TryParseLength(value, out var length))
                    {
                        return (400, "The request has several or invalid Content-Lengths.");
                    }

                    head.ContentLength = length;
                    break;
                case KnownHeader.TransferEncoding:
                    if (head.Chunked || !HeaderNames.Is(value, "chunked"u8))
                    {
                        return head.Chunked ? (400, "The request has several Transfer-Encodings.") : (501, "The only Transfer-Encoding is chunked.");
                    }

                    head.Chunked = true;
                    break;
                case KnownHeader.Connection:
                    listed += field.ValueLength;
                    close |= HeaderNames.ListHas(value, "close"u8);
                    keep |= HeaderNames.ListHas(value, "keep-alive"u8);
                    upgrade |= HeaderNames.ListHas(value, "upgrade"u8);
                    break;
                case KnownHeader.Upgrade:
                    protocol = field.ValueStart..(field.ValueStart + field.ValueLength);
                    break;
                case KnownHeader.Expect:
                    if (!HeaderNames.Is(value, "100-continue"u8))
                    {
                        return (417, "The only expectation is 100-continue.");
                    }

                    head.ExpectsContinue = head.Http11;
                    break;
                default:
                    break;
            }
        }

        if (head.Chunked && (head.ContentLength >= 0 || !head.Http11))
        {
            return (400, "The request has both Content-Length and Transfer-Encoding, or a Transfer-Encoding in HTTP/1.0.");
        }

        // Every other header is looked for in it.
        if (listed > MaxConnection)
        {
            return (400, $"The Connection header is longer than {MaxConnection} bytes.");
        }

        if (hosts > 1 || (hosts == 0 && head.Http11) || !IsHost(head.HostBytes))
        {
            return (400, "The request has not exactly one valid Host.");
        }

        head.KeepAlive = !close && (head.Http11 || keep);
        // h2c by upgrade is deprecated (RFC 9113 section 3.1) and would hide requests from the gateway.
        // With a body it is not upgraded either: what follows the head would be neither body nor the new protocol for sure.
        head.Upgrade = upgrade && head.Http11 && !head.HasBody && !HeaderNames.ListHas(head.Bytes[protocol], "h2c"u8) ? protocol : default;
        return default;
    }

    private static (int Status, string Detail) ReadTarget(RequestHead head, int start, int length)
    {
        var target = head.Bytes.Slice(start, length);
        if (target[0] != '/')
        {
            if (head.Method is "CONNECT")
            {
                return (501, "CONNECT is not served here.");
            }

            if (target is [(byte)'*'])
            {
                return head.SetOpaqueTarget(start..(start + 1));
            }

            // Absolute form: its authority must be the Host's, so that nobody routes by the one and trusts the other.
            var scheme = target.StartsWith("http://"u8) ? 7 : target.StartsWith("https://"u8) ? 8 : 0;
            var slash = scheme == 0 ? -1 : target[scheme..].IndexOf((byte)'/');
            if (slash <= 0 || !HeaderNames.Is(target.Slice(scheme, slash), head.HostBytes))
            {
                return (400, "The request target is not a path, or not one of this Host.");
            }

            (start, length) = (start + scheme + slash, length - scheme - slash);
        }

        return head.SetTarget(start, length) is { } wrong ? (400, wrong) : default;
    }

    /// <summary>Whether this can be an authority: letters, digits, dots, dashes, brackets, one port.</summary>
    public static bool IsHost(ReadOnlySpan<byte> host) => host.IndexOfAnyExcept(HostCharacters) < 0;
}
