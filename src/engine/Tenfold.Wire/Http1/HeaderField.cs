using System.Runtime.InteropServices;
using System.Text;

namespace Tenfold.Wire.Http1;

/// <summary>Header names that mean something to HTTP itself or to a proxy.</summary>
public enum KnownHeader : byte
{
    None,
    Connection,
    KeepAlive,
    ProxyConnection,
    TransferEncoding,
    ContentLength,
    ContentType,
    Te,
    Trailer,
    Upgrade,
    Host,
    Expect,
    Date,
    Via,
    Cookie,
    Forwarded,
    XForwardedFor,
    XForwardedProto,
    XForwardedHost,
    Http2Settings,
}

/// <summary>One header line as places in the buffer that holds the head; the value is trimmed.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct HeaderField(int NameStart, int NameLength, int ValueStart, int ValueLength, KnownHeader Known)
{
    /// <summary>The name as it was sent.</summary>
    public ReadOnlySpan<byte> Name(ReadOnlySpan<byte> head) => head.Slice(NameStart, NameLength);

    /// <summary>The value without the white space around it.</summary>
    public ReadOnlySpan<byte> Value(ReadOnlySpan<byte> head) => head.Slice(ValueStart, ValueLength);
}

/// <summary>The header lines of one message, in order; reused from message to message. Not thread-safe.</summary>
public sealed class HeaderTable
{
    private HeaderField[] _fields = [];

    /// <summary>How many lines.</summary>
    public int Count { get; private set; }

    /// <summary>The lines, in the order they were sent.</summary>
    public ReadOnlySpan<HeaderField> Fields => _fields.AsSpan(0, Count);

    /// <summary>Forgets every line.</summary>
    public void Clear() => Count = 0;

    /// <summary>Gives back the room of an unusually long list. Only after <see cref="Clear"/>.</summary>
    public void Trim()
    {
        if (_fields.Length > 48)
        {
            _fields = [];
        }
    }

    /// <summary>Appends a line.</summary>
    public void Add(HeaderField field)
    {
        if (Count == _fields.Length)
        {
            Array.Resize(ref _fields, Math.Max(24, _fields.Length * 2));
        }

        _fields[Count++] = field;
    }
}

/// <summary>Recognises <see cref="KnownHeader"/> names.</summary>
public static class HeaderNames
{
    /// <summary>The known header of this name, whatever its case.</summary>
    public static KnownHeader Classify(ReadOnlySpan<byte> name) => name.Length switch
    {
        2 when Is(name, "te"u8) => KnownHeader.Te,
        3 when Is(name, "via"u8) => KnownHeader.Via,
        4 when Is(name, "host"u8) => KnownHeader.Host,
        4 when Is(name, "date"u8) => KnownHeader.Date,
        6 when Is(name, "expect"u8) => KnownHeader.Expect,
        6 when Is(name, "cookie"u8) => KnownHeader.Cookie,
        7 when Is(name, "trailer"u8) => KnownHeader.Trailer,
        7 when Is(name, "upgrade"u8) => KnownHeader.Upgrade,
        9 when Is(name, "forwarded"u8) => KnownHeader.Forwarded,
        10 when Is(name, "connection"u8) => KnownHeader.Connection,
        10 when Is(name, "keep-alive"u8) => KnownHeader.KeepAlive,
        12 when Is(name, "content-type"u8) => KnownHeader.ContentType,
        14 when Is(name, "content-length"u8) => KnownHeader.ContentLength,
        14 when Is(name, "http2-settings"u8) => KnownHeader.Http2Settings,
        15 when Is(name, "x-forwarded-for"u8) => KnownHeader.XForwardedFor,
        16 when Is(name, "x-forwarded-host"u8) => KnownHeader.XForwardedHost,
        16 when Is(name, "proxy-connection"u8) => KnownHeader.ProxyConnection,
        17 when Is(name, "transfer-encoding"u8) => KnownHeader.TransferEncoding,
        17 when Is(name, "x-forwarded-proto"u8) => KnownHeader.XForwardedProto,
        _ => KnownHeader.None,
    };

    /// <summary>Whether a comma-separated list (<c>Connection: keep-alive, TE</c>) holds this token, whatever its case.</summary>
    public static bool ListHas(ReadOnlySpan<byte> list, ReadOnlySpan<byte> token)
    {
        while (true)
        {
            var comma = list.IndexOf((byte)',');
            var item = comma < 0 ? list : list[..comma];
            if (Is(item.Trim(" \t"u8), token))
            {
                return true;
            }

            if (comma < 0)
            {
                return false;
            }

            list = list[(comma + 1)..];
        }
    }

    /// <summary>Whether two names are the same, whatever their case.</summary>
    public static bool Is(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => left.Length == right.Length && Ascii.EqualsIgnoreCase(left, right);
}
