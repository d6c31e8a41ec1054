using System.Buffers;
using System.Security.Cryptography;
using Commons.Files;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Rez.Images;

/// <summary>The only part of a multipart body: the image.</summary>
internal static class ImagePart
{
    private const string Name = "file";
    private const int BufferBytes = 64 << 10;

    /// <summary>Copies the image to a draft, as it comes.</summary>
    /// <param name="parts">The body.</param>
    /// <param name="draft">Where to.</param>
    /// <param name="most">Bytes that are taken.</param>
    /// <param name="cancel">Gives it up.</param>
    /// <returns>Its SHA-256.</returns>
    /// <exception cref="UploadException">The body is not one image of a type that is taken.</exception>
    /// <exception cref="BlobStoreException">The draft's disk fails.</exception>
    public static async Task<byte[]> ReadAsync(MultipartReader parts, BlobDraft draft, int most, CancellationToken cancel)
    {
        if (await NextAsync(parts, cancel) is not { } part)
        {
            throw Wrong("the body has no part; send the image as the part 'file'");
        }

        if (!ContentDispositionHeaderValue.TryParse(part.ContentDisposition, out var disposition) || disposition.DispositionType != "form-data" || HeaderUtilities.RemoveQuotes(disposition.Name) != Name || !disposition.IsFileDisposition())
        {
            throw Wrong("the body's first part is not the file 'file'; send that one and no other");
        }

        if (part.Headers?.ContainsKey("Content-Transfer-Encoding") == true && part.Headers["Content-Transfer-Encoding"].ToString() is not ("binary" or "8bit" or "7bit"))
        {
            throw Wrong($"its part is encoded as '{part.Headers["Content-Transfer-Encoding"]}'; send it as it is");
        }

        var hash = await CopyAsync(part.Body, draft, most, cancel);
        return await NextAsync(parts, cancel) is null ? hash : throw Wrong("the body has more than one part; send one image at a time");
    }

    private static async Task<byte[]> CopyAsync(Stream from, BlobDraft to, int most, CancellationToken cancel)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            for (var (total, filled) = (0, 0); ;)
            {
                // Whole buffers, and never fewer than tell the type.
                var read = await ReadAsync(from, buffer.AsMemory(filled, BufferBytes - filled), cancel);
                filled += read;
                if (read > 0 && filled < BufferBytes)
                {
                    continue;
                }

                if (total == 0 && ImageHeader.TypeOf(buffer.AsSpan(0, filled)) is null)
                {
                    throw new UploadException(StatusCodes.Status415UnsupportedMediaType, filled == 0 ? "the file is empty" : "the file is no JPEG, PNG or WebP image, whatever it is called");
                }

                total += filled;
                if (total > most)
                {
                    throw new UploadException(StatusCodes.Status413PayloadTooLarge, $"the file has more than {most} bytes ({most >> 20} MiB)");
                }

                hash.AppendData(buffer, 0, filled);
                await to.WriteAsync(buffer.AsMemory(0, filled), cancel);
                if (read == 0)
                {
                    return hash.GetHashAndReset();
                }

                filled = 0;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static Task<MultipartSection?> NextAsync(MultipartReader parts, CancellationToken cancel) => GuardAsync(() => parts.ReadNextSectionAsync(cancel));

    private static Task<int> ReadAsync(Stream from, Memory<byte> buffer, CancellationToken cancel) => GuardAsync(() => from.ReadAsync(buffer, cancel).AsTask());

    // What the framework's reader finds wrong; what Kestrel does has its own answer.
    private static async Task<T> GuardAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception e) when (e is InvalidDataException || e.GetType() == typeof(IOException))
        {
            throw Wrong("the body is not multipart/form-data as its boundary says, or ends too early");
        }
    }

    private static UploadException Wrong(string message) => new(StatusCodes.Status400BadRequest, message);
}
