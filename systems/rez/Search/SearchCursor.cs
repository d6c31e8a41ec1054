using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace Rez.Search;

/// <summary>
/// Where a product stands in what was found, which is ordered by tier, score and id: the tier is known by the popularity and id of its
/// first product, so that a search goes on there without counting what was before.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SearchPlace(int TierPopularity, long TierId, double Score, long Id);

/// <summary>
/// Where a search goes on: the place of the last product that was shown, bound to text and filters by <see cref="Query"/>. Opaque to
/// clients: base64url of 36 bytes.
/// </summary>
/// <param name="Query">Hash of text and filters.</param>
/// <param name="IsGuess">The last product was found by a corrected text.</param>
/// <param name="Shown">Products on this page and those before.</param>
/// <param name="Place">Of the last product.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SearchCursor(uint Query, bool IsGuess, int Shown, SearchPlace Place)
{
    private const int Size = 36;

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, Query);
        BinaryPrimitives.WriteInt32BigEndian(bytes[4..], IsGuess ? -Shown : Shown);
        BinaryPrimitives.WriteInt32BigEndian(bytes[8..], Place.TierPopularity);
        BinaryPrimitives.WriteInt64BigEndian(bytes[12..], Place.TierId);
        BinaryPrimitives.WriteDoubleBigEndian(bytes[20..], Place.Score);
        BinaryPrimitives.WriteInt64BigEndian(bytes[28..], Place.Id);
        return Base64Url.EncodeToString(bytes);
    }

    public static bool TryParse(string text, out SearchCursor cursor)
    {
        Span<byte> bytes = stackalloc byte[Size];
        cursor = default;
        if (text.Length != Size / 3 * 4 || !Base64Url.TryDecodeFromChars(text, bytes, out var written) || written != Size)
        {
            return false;
        }

        var shown = BinaryPrimitives.ReadInt32BigEndian(bytes[4..]);
        cursor = new SearchCursor(
            BinaryPrimitives.ReadUInt32BigEndian(bytes),
            shown < 0,
            shown is < -ProductSearch.Most or > ProductSearch.Most ? ProductSearch.Most : Math.Abs(shown),
            new SearchPlace(
                BinaryPrimitives.ReadInt32BigEndian(bytes[8..]),
                BinaryPrimitives.ReadInt64BigEndian(bytes[12..]),
                BinaryPrimitives.ReadDoubleBigEndian(bytes[20..]),
                BinaryPrimitives.ReadInt64BigEndian(bytes[28..])));
        return true;
    }
}
