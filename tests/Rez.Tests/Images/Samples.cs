using System.Buffers.Binary;
using System.Diagnostics;
using System.IO.Compression;
using System.Text;

namespace Rez.Tests.Images;

/// <summary>Images made here, as .NET has no encoder: PNG by hand, the others by libvips.</summary>
internal static class Samples
{
    public static bool HasVips { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "vips")));

    /// <summary>A PNG with a gradient; another seed is another image.</summary>
    public static byte[] Png(int width, int height, int seed = 0)
    {
        var pixels = new byte[height * (1 + (width * 3))];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var at = (y * (1 + (width * 3))) + 1 + (x * 3);
                (pixels[at], pixels[at + 1], pixels[at + 2]) = ((byte)(x * 255 / width), (byte)(y * 255 / height), (byte)seed);
            }
        }

        return Png(width, height, pixels);
    }

    /// <summary>The header of a PNG of that size, with pixels that are not those.</summary>
    public static byte[] Png(int width, int height, byte[] pixels)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            zlib.Write(pixels);
        }

        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2); // bits, RGB
        return [0x89, .. "PNG\r\n\x1a\n"u8, .. Chunk("IHDR", header), .. Chunk("IDAT", packed.ToArray()), .. Chunk("IEND", [])];
    }

    /// <summary>A JPEG, as a camera that was held upright stores it: lying, with a note that it is to be turned (EXIF orientation 6), and where it was taken.</summary>
    public static byte[] TurnedJpeg(int width, int height)
    {
        var jpeg = Convert(Png(width, height), "jpg");
        byte[] exif =
        [
            .. "Exif\0\0MM\0*\0\0\0\u0008"u8, 0, 2,
            0x01, 0x0E, 0, 2, 0, 0, 0, 12, 0, 0, 0, 38, // a description, 38 bytes on
            0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, // orientation
            0, 0, 0, 0, .. "SecretPlace\0"u8,
        ];
        return [0xFF, 0xD8, 0xFF, 0xE1, (byte)((exif.Length + 2) >> 8), (byte)(exif.Length + 2), .. exif, .. jpeg.AsSpan(2)];
    }

    public static byte[] Convert(byte[] png, string extension)
    {
        var file = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));
        File.WriteAllBytes(file + ".png", png);
        using var process = Process.Start(new ProcessStartInfo("vips", ["copy", file + ".png", $"{file}.{extension}"]))!;
        process.WaitForExit();
        var converted = File.ReadAllBytes($"{file}.{extension}");
        File.Delete(file + ".png");
        File.Delete($"{file}.{extension}");
        return converted;
    }

    private static byte[] Chunk(string name, byte[] content)
    {
        byte[] covered = [.. Encoding.ASCII.GetBytes(name), .. content];
        var chunk = new byte[4 + covered.Length + 4];
        BinaryPrimitives.WriteInt32BigEndian(chunk, content.Length);
        covered.CopyTo(chunk, 4);
        BinaryPrimitives.WriteUInt32BigEndian(chunk.AsSpan(4 + covered.Length), Checksum(covered));
        return chunk;
    }

    private static uint Checksum(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? (crc >> 1) ^ 0xEDB88320 : crc >> 1;
            }
        }

        return ~crc;
    }
}
