using System.Buffers.Binary;

namespace Rez.Images;

/// <summary>What the first bytes of an image say: its type and how many pixels a decoder would make of it. Nothing is decoded.</summary>
/// <param name="Type">Media type, by content.</param>
/// <param name="Width">Pixels, as stored: a camera that was held upright says so elsewhere.</param>
/// <param name="Height">Pixels, as stored.</param>
internal sealed record ImageHeader(string Type, int Width, int Height)
{
    public const string Jpeg = "image/jpeg";
    public const string Png = "image/png";
    public const string WebP = "image/webp";

    /// <summary>So many bytes tell the type.</summary>
    public const int SniffedBytes = 16;

    // Segments before a JPEG's dimensions: profiles and previews are cut into pieces of 64 KiB.
    private const int MostSegments = 1_000;

    /// <summary>The type by its first bytes; null when it is none of ours.</summary>
    public static string? TypeOf(ReadOnlySpan<byte> start) => start switch
    {
        [0xFF, 0xD8, 0xFF, ..] => Jpeg,
        [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Png,
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', (byte)'V', (byte)'P', (byte)'8', ..] => WebP,
        _ => null,
    };

    /// <summary>Reads the header of a file.</summary>
    /// <param name="file">At any position; seekable.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>Null: it is none of the three types, or has no dimensions where they belong.</returns>
    public static async ValueTask<ImageHeader?> ReadAsync(Stream file, CancellationToken cancel)
    {
        var start = new byte[30];
        file.Position = 0;
        var length = await file.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancel);
        var type = TypeOf(start.AsSpan(0, length));
        var (width, height) = type switch
        {
            Jpeg => await OfJpegAsync(file, cancel),
            Png => OfPng(start.AsSpan(0, length)),
            WebP => OfWebP(start.AsSpan(0, length)),
            _ => default,
        };
        return width > 0 && height > 0 ? new ImageHeader(type!, width, height) : null;
    }

    private static (int Width, int Height) OfPng(ReadOnlySpan<byte> start) =>
        start.Length >= 24 && start[12..16].SequenceEqual("IHDR"u8) ? (BinaryPrimitives.ReadInt32BigEndian(start[16..]), BinaryPrimitives.ReadInt32BigEndian(start[20..])) : default;

    private static (int Width, int Height) OfWebP(ReadOnlySpan<byte> start)
    {
        if (start.Length < 30)
        {
            return default;
        }

        switch (start[15])
        {
            case (byte)' ' when start[23..26].SequenceEqual<byte>([0x9D, 0x01, 0x2A]): // lossy: 14 bits each, above them how to scale
                return (BinaryPrimitives.ReadUInt16LittleEndian(start[26..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(start[28..]) & 0x3FFF);
            case (byte)'L' when start[20] == 0x2F: // lossless: 14 bits each, less one
                var bits = BinaryPrimitives.ReadUInt32LittleEndian(start[21..]);
                return ((int)(bits & 0x3FFF) + 1, (int)((bits >> 14) & 0x3FFF) + 1);
            case (byte)'X': // a canvas: 24 bits each, less one
                return (1 + (start[24] | (start[25] << 8) | (start[26] << 16)), 1 + (start[27] | (start[28] << 8) | (start[29] << 16)));
            default:
                return default;
        }
    }

    private static async ValueTask<(int Width, int Height)> OfJpegAsync(Stream file, CancellationToken cancel)
    {
        var bytes = new byte[9];
        long at = 2;
        for (var segment = 0; segment < MostSegments; segment++)
        {
            file.Position = at;
            var length = await file.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel);
            if (length < 4 || bytes[0] != 0xFF)
            {
                return default;
            }

            switch (bytes[1])
            {
                case 0xFF: // fills
                    at++;
                    break;
                case 0xD9 or 0xDA: // the pixels, or the end, before dimensions
                    return default;
                case 0x01 or (>= 0xD0 and <= 0xD7): // alone, without a length
                    at += 2;
                    break;
                case >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC): // a frame
                    return length == 9 ? (BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(7)), BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(5))) : default;
                default:
                    at += 2 + BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(2));
                    break;
            }
        }

        return default;
    }
}
