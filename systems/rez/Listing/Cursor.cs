using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace Rez.Listing;

/// <summary>
/// Where a list goes on: the sort keys and id of the last row seen, bound to the query it came from by <see cref="Query"/>,
/// a hash of sort and filters. A row whose sort key changes between two pages can be met twice or not at all, as in every keyset
/// walk; ids and creation times never change, so walks by them are whole. Opaque to clients: base64url of 28 bytes.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Cursor(uint Query, long First, long Second, long Id)
{
    private const int Size = 28;
    private const int TextSize = 38;

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Query);
        BinaryPrimitives.WriteInt64BigEndian(bytes[4..], First);
        BinaryPrimitives.WriteInt64BigEndian(bytes[12..], Second);
        BinaryPrimitives.WriteInt64BigEndian(bytes[20..], Id);
        return Base64Url.EncodeToString(bytes);
    }

    public static bool TryParse(string text, out Cursor cursor)
    {
        Span<byte> bytes = stackalloc byte[Size + 2];
        cursor = default;
        if (text.Length != TextSize || !Base64Url.TryDecodeFromChars(text, bytes, out var written) || written != Size)
        {
            return false;
        }

        cursor = new Cursor(
            BinaryPrimitives.ReadUInt32BigEndian(bytes),
            BinaryPrimitives.ReadInt64BigEndian(bytes[4..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[12..]),
            BinaryPrimitives.ReadInt64BigEndian(bytes[20..]));
        return true;
    }
}
