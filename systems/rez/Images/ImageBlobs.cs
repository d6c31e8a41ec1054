using System.Globalization;
using Tenfold.Postgres.Shards;

namespace Rez.Images;

/// <summary>Where an image's files are in the store.</summary>
internal static class ImageBlobs
{
    public static string Folder(ShardId image) => $"images/{image}";

    /// <summary>As it was uploaded.</summary>
    public static string Original(ShardId image) => Folder(image) + "/original";

    /// <summary>One that was made.</summary>
    public static string Made(ShardId image, int width, ImageFormat format) => string.Create(CultureInfo.InvariantCulture, $"{Folder(image)}/{width}.{format.Extension}");
}

/// <summary>What is made of an image.</summary>
/// <param name="Extension">Of the file, by which libvips knows the format.</param>
/// <param name="Type">Media type.</param>
/// <param name="Options">For libvips: quality, nothing of the original's metadata, what is transparent is white where the format has no transparency.</param>
internal sealed record ImageFormat(string Extension, string Type, string Options)
{
    public static ImageFormat Jpeg { get; } = new("jpg", ImageHeader.Jpeg, "[Q=82,strip,interlace,optimize-coding,background=255]");

    public static ImageFormat WebP { get; } = new("webp", ImageHeader.WebP, "[Q=80,strip]");

    public static IReadOnlyList<ImageFormat> All { get; } = [Jpeg, WebP];
}
