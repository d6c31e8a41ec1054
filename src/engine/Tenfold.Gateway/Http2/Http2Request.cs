using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Tenfold.Gateway.Forwarding;
using Tenfold.Gateway.Http1;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Http2;

/// <summary>Renders what Kestrel has read from an HTTP/2 stream as a <see cref="RequestHead"/>, and checks it by the same rules.</summary>
internal static class Http2Request
{
    /// <returns>Status and reason of the refusal, or 0.</returns>
    public static (int Status, string Detail) Read(IHttpRequestFeature request, IHttpExtendedConnectFeature? connect, bool canHaveBody, RequestHead into)
    {
        into.Reset();
        into.Http2 = true;
        var webSocket = connect is { IsExtendedConnect: true, Protocol: "websocket" };
        if (request.Method is "CONNECT" && !webSocket)
        {
            return (501, "CONNECT is not served here, but for WebSockets.");
        }

        into.Method = webSocket ? "GET" : request.Method;
        var target = Add(into, request.RawTarget);
        // HTTP/2 frames the path, HTTP/1.1 ends it with a space: one within would end the request line early.
        if (into.TargetHasSpaceOrControl(target))
        {
            return (400, "The request target has a control character or a space.");
        }

        Add(into, "\r\n");
        var authority = request.Headers.Host.ToString();
        into.Host = Add(into, authority);
        Add(into, "\r\n");
        if (webSocket)
        {
            into.Upgrade = Add(into, "websocket");
            Add(into, "\r\n");
        }

        // Header lines come last: whoever copies them relies on nothing but the empty line behind them.
        var start = into.Length;
        var sound = true;
        foreach (var (name, values) in request.Headers)
        {
            if (name.StartsWith(':') || name is "Host" or "Content-Length")
            {
                continue;
            }

            // Cookies may come in crumbs (RFC 9113 section 8.2.3); HTTP/1.1 knows one line only.
            if (name is "Cookie" && values.Count > 1)
            {
                sound &= TryAddLine(into, name, string.Join("; ", values!));
                continue;
            }

            foreach (var value in values)
            {
                sound &= TryAddLine(into, name, value ?? "");
            }
        }

        // HTTP/2 frames names and values; a line break within would make another header of it here, or end the head.
        if (!sound)
        {
            return (400, "The request has a header with a character that no header may have.");
        }

        if (webSocket)
        {
            // RFC 8441 leaves it out; HTTP/1.1's handshake needs one.
            TryAddLine(into, "Sec-WebSocket-Key", Convert.ToBase64String(Guid.NewGuid().ToByteArray()));
        }

        Add(into, "\r\n");
        if (HeadParser.ParseFields(into.Bytes, start, into.Table) is { } wrong)
        {
            return (400, $"The request has {wrong}.");
        }

        if (authority.Length == 0 || !RequestParser.IsHost(into.HostBytes))
        {
            return (400, "The request has no valid :authority.");
        }

        into.KeepAlive = true;
        into.ContentLength = webSocket || !canHaveBody ? -1 : request.Headers.ContentLength ?? -1;
        into.Chunked = !webSocket && canHaveBody && into.ContentLength < 0;
        if (into.Buffer[target.Start.Value] != '/')
        {
            return into.SetOpaqueTarget(target);
        }

        return into.SetTarget(target.Start.Value, target.End.Value - target.Start.Value) is { } bad ? (400, bad) : default;
    }

    private static bool TryAddLine(RequestHead into, string name, string value)
    {
        var field = Add(into, name);
        Add(into, ": ");
        var text = Add(into, value);
        Add(into, "\r\n");
        return HeadParser.IsToken(into.Bytes[field]) && !HeadParser.HasControl(into.Bytes[text]);
    }

    private static Range Add(RequestHead into, string text)
    {
        var start = into.Length;
        // Kestrel has decoded header values as UTF-8 and refused what is not.
        into.Reserve(start + Encoding.UTF8.GetMaxByteCount(text.Length));
        into.Length = start + Encoding.UTF8.GetBytes(text, into.Buffer.AsSpan(start));
        return start..into.Length;
    }
}
