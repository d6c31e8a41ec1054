using FsCheck;
using FsCheck.Fluent;
using Rez.Images;

namespace Rez.Tests.Images;

public sealed class ImageHeaderTests
{
    public static TheoryData<string, string, int, int> Right => new()
    {
        { "89504E470D0A1A0A 0000000D49484452 00000320 00000258 0802000000", ImageHeader.Png, 800, 600 },
        { "FFD8 FFE0 0010 4A46494600010100000100010000 FFC0 0011 08 0258 0320 03", ImageHeader.Jpeg, 800, 600 },
        { "FFD8 FFFF FFE1 0004 AAAA FFC4 0003 00 FFC2 0011 08 0001 FFFF 03", ImageHeader.Jpeg, 65535, 1 }, // fills, tables, progressive
        { "52494646 24000000 57454250 56503820 18000000 300100 9D012A 2003 5802 0000", ImageHeader.WebP, 800, 600 },
        { "52494646 24000000 57454250 56503820 18000000 300100 9D012A 2043 5882 0000", ImageHeader.WebP, 800, 600 }, // bits of scaling
        { "52494646 24000000 57454250 5650384C 18000000 2F 1FC39500 0000000000", ImageHeader.WebP, 800, 600 },
        { "52494646 24000000 57454250 56503858 0A000000 10000000 1F0300 570200", ImageHeader.WebP, 800, 600 },
    };

    public static TheoryData<string> Wrong =>
    [
        "", "FFD8FF", "47494638396110001000", "255044462D312E37", "3C73766720786D6C6E733D", "424D46000000", "4D5A9000", // nothing, GIF, PDF, SVG, BMP, a program
        "89504E470D0A1A0A 0000000D 49444154 00000320 00000258 0802000000", // another chunk first
        "89504E470D0A1A0A 0000000D 49484452 00000000 00000258 0802000000", // no width
        "89504E470D0A1A0A 0000000D 49484452 80000000 00000258 0802000000", // below zero
        "FFD8 FFE0 0010 4A464946", // cut off
        "FFD8 FFDA 0008 00", "FFD8 FFD9 00000000", // pixels, or the end, without a frame
        "FFD8 FFE0 0004 0000 0000", // no marker where one belongs
        "FFD8 FFC0 0011 08 0258", // cut off in the frame
        "52494646 24000000 57454250 5650385A 18000000 300100 9D012A 2003 5802 0000", // an unknown kind
        "52494646 24000000 57454250 56503820 18000000 300100 9D012B 2003 5802 0000", // no start code
        "52494646 24000000 57415645 666D7420 18000000 300100 9D012A 2003 5802 0000", // a sound
    ];

    [Theory]
    [MemberData(nameof(Right))]
    public async Task Type_and_size_are_read_from_the_content(string hex, string type, int width, int height) => Assert.Equal(new ImageHeader(type, width, height), await ReadAsync(Bytes(hex)));

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task What_is_no_image_or_has_no_size_is_none(string hex) => Assert.Null(await ReadAsync(Bytes(hex)));

    [Fact]
    public void Whatever_follows_the_first_bytes_it_ends_without_an_error() => Check.QuickThrowOnFailure(Prop.ForAll<byte[], byte>((rest, which) =>
    {
        byte[] start = (which % 3) switch { 0 => [0xFF, 0xD8, 0xFF], 1 => [0x89, .. "PNG\r\n\x1a\n"u8], _ => [.. "RIFF0000WEBPVP8"u8] };
        var header = ReadAsync([.. start, .. rest]).AsTask().GetAwaiter().GetResult();
        return header is null || (header.Width > 0 && header.Height > 0);
    }));

    [Fact]
    public async Task Real_images_are_read()
    {
        Assert.Equal(new ImageHeader(ImageHeader.Png, 31, 17), await ReadAsync(Samples.Png(31, 17)));
        Assert.SkipUnless(Samples.HasVips, "libvips-tools is not installed");
        Assert.Equal(new ImageHeader(ImageHeader.Jpeg, 31, 17), await ReadAsync(Samples.TurnedJpeg(31, 17)));
        Assert.Equal(new ImageHeader(ImageHeader.WebP, 31, 17), await ReadAsync(Samples.Convert(Samples.Png(31, 17), "webp")));
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    private static ValueTask<ImageHeader?> ReadAsync(byte[] bytes) => ImageHeader.ReadAsync(new MemoryStream(bytes), CancellationToken.None);
}
