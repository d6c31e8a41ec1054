using System.Text;
using Tenfold.Wire.Http1;

namespace Tenfold.Gateway.Forwarding;

/// <summary>
/// A request's head as bytes in HTTP/1.1's form, whichever version it came in, and what the gateway needs of it.
/// Reused from request to request. Not thread-safe.
/// </summary>
internal sealed class RequestHead
{
    private char[] _path = [];
    private int _pathLength;

    /// <summary>Holds the head; places of fields are in it.</summary>
    public byte[] Buffer { get; private set; } = [];

    public int Length { get; set; }

    public ReadOnlySpan<byte> Bytes => Buffer.AsSpan(0, Length);

    public HeaderTable Table { get; } = new();

    public ReadOnlySpan<HeaderField> Fields => Table.Fields;

    public string Method { get; set; } = "GET";

    /// <summary>Path and query as sent, without scheme and authority.</summary>
    public Range Target { get; set; }

    public ReadOnlySpan<byte> TargetBytes => Bytes[Target];

    public Range QueryRange { get; set; }

    public ReadOnlySpan<byte> Query => Bytes[QueryRange];

    /// <summary>Decoded path for matching.</summary>
    public ReadOnlySpan<char> Path => _path.AsSpan(0, _pathLength);

    /// <summary>Authority: host and maybe port.</summary>
    public Range Host { get; set; }

    public ReadOnlySpan<byte> HostBytes => Bytes[Host];

    /// <summary><see cref="HostBytes"/> without the port.</summary>
    public ReadOnlySpan<byte> HostName
    {
        get
        {
            var host = HostBytes;
            var colon = host.LastIndexOf((byte)':');
            return colon > 0 && host[colon..].IndexOf((byte)']') < 0 ? host[..colon] : host;
        }
    }

    public bool Http11 { get; set; }

    /// <summary>Whether it came as HTTP/2 and is only written like HTTP/1.1.</summary>
    public bool Http2 { get; set; }

    public bool KeepAlive { get; set; }

    public bool Chunked { get; set; }

    /// <summary>-1 when not said.</summary>
    public long ContentLength { get; set; }

    public bool HasBody => Chunked || ContentLength > 0;

    public bool ExpectsContinue { get; set; }

    /// <summary>The protocol that the client wants to change to (HTTP/1.1 only); empty for none.</summary>
    public Range Upgrade { get; set; }

    public ReadOnlySpan<byte> UpgradeBytes => Bytes[Upgrade];

    public bool IsHead => Method is "HEAD";

    public void Reset()
    {
        Table.Clear();
        (Length, _pathLength, ContentLength) = (0, 0, -1);
        (Chunked, ExpectsContinue, KeepAlive, Http11, Http2) = (false, false, false, true, false);
        (Target, QueryRange, Host, Upgrade) = (default, default, default, default);
    }

    /// <summary>Makes room for a head of this size and gives the buffer away to be filled.</summary>
    public Span<byte> Reserve(int length)
    {
        if (Buffer.Length < length)
        {
            var grown = new byte[Math.Max(1024, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length))];
            Bytes.CopyTo(grown);
            Buffer = grown;
        }

        return Buffer;
    }

    /// <summary>Gives back what an unusual request has made large. Only after <see cref="Reset"/>.</summary>
    public void Trim()
    {
        if (Buffer.Length > 4096)
        {
            Buffer = [];
        }

        if (_path.Length > 2048)
        {
            _path = [];
        }

        Table.Trim();
    }

    /// <summary>Splits a target in origin form and decodes its path.</summary>
    /// <returns>What is wrong, or null.</returns>
    public string? SetTarget(int start, int length)
    {
        var target = Buffer.AsSpan(start, length);
        var mark = target.IndexOf((byte)'?');
        var pathLength = mark < 0 ? length : mark;
        (Target, QueryRange) = (start..(start + length), mark < 0 ? default : (start + mark + 1)..(start + length));
        if (target.IndexOf((byte)'#') >= 0)
        {
            return "The request target has a fragment.";
        }

        if (_path.Length < pathLength)
        {
            _path = new char[Math.Max(256, pathLength * 2)];
        }

        return Routing.RequestPath.Decode(target[..pathLength], _path, out _pathLength);
    }

    /// <summary>Whether this place, a target, could not stand in a request line.</summary>
    public bool TargetHasSpaceOrControl(Range target) => Bytes[target] is var bytes && (bytes.Contains((byte)' ') || HeadParser.HasControl(bytes));

    /// <summary>Takes <c>*</c>, which is no path and fits no route; everything else is refused.</summary>
    public (int Status, string Detail) SetOpaqueTarget(Range target)
    {
        Target = target;
        return Method is "OPTIONS" && TargetBytes is [(byte)'*'] ? default : (400, "The request target is not a path.");
    }

    /// <summary>The first header of this name.</summary>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        foreach (ref readonly var field in Fields)
        {
            if (field.NameLength == name.Length && Ascii.EqualsIgnoreCase(field.Name(Bytes), name))
            {
                value = field.Value(Bytes);
                return true;
            }
        }

        value = default;
        return false;
    }

    /// <summary>The method as a string; the usual ones without allocating.</summary>
    public static string MethodOf(ReadOnlySpan<byte> method) => method switch
    {
        _ when method.SequenceEqual("GET"u8) => "GET",
        _ when method.SequenceEqual("POST"u8) => "POST",
        _ when method.SequenceEqual("PUT"u8) => "PUT",
        _ when method.SequenceEqual("HEAD"u8) => "HEAD",
        _ when method.SequenceEqual("PATCH"u8) => "PATCH",
        _ when method.SequenceEqual("DELETE"u8) => "DELETE",
        _ when method.SequenceEqual("OPTIONS"u8) => "OPTIONS",
        _ => Encoding.ASCII.GetString(method),
    };
}
