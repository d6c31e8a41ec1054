using System.Globalization;
using System.Text.Json.Nodes;
using Commons.Audit;
using Commons.Files;
using Commons.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using Npgsql;
using Rez.Products;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Jobs;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Images;

/// <summary>
/// <c>POST /api/products/{id}/images</c>: one file as <c>multipart/form-data</c>. It goes to the disk as it comes, never into memory as a whole; what it is
/// is told by its content. A job makes its sizes. The same file again answers with the image that is there.
/// </summary>
internal sealed class UploadImage(Ownership ownership, ImageUploads uploads, ImageRemover remover, IBlobStore files, JobClient jobs, AuditLog audit, ILogger<UploadImage> logger) : IDisposable
{
    /// <summary>Largest file.</summary>
    public const int MostBytes = 20 << 20;

    /// <summary>Most pixels of an image: a decoder takes some bytes for each, whatever the file has.</summary>
    public const long MostPixels = 50_000_000;

    /// <summary>Files that an instance takes at the same time.</summary>
    public const int MostAtOnce = 16;

    private const int BufferBytes = 64 << 10;
    private const int AroundFile = 64 << 10; // headers and boundaries of the parts

    // 20 MiB within the five minutes that the guide's route gives them need 68 KiB/s; this ends connections that stand still.
    private static readonly MinDataRate Slowest = new(bytesPerSecond: 8 << 10, gracePeriod: TimeSpan.FromSeconds(10));

    private readonly SemaphoreSlim _slots = new(MostAtOnce);

    public async Task HandleAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "product") is not { } product || !await new QueryParameters(context).AnswerErrorsAsync(context)
            || await ReadHeadersAsync(context) is not { } boundary || await ownership.FindAsync(context, product) is not { } merchant)
        {
            return;
        }

        if (!await _slots.WaitAsync(TimeSpan.Zero))
        {
            context.Response.Headers.RetryAfter = "5";
            await Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"This instance is taking {MostAtOnce} images already. Try again.");
            return;
        }

        try
        {
            await TakeAsync(context, merchant, product, new MultipartReader(boundary, context.Request.Body, BufferBytes));
        }
        finally
        {
            _slots.Release();
        }
    }

    public void Dispose() => _slots.Dispose();

    private async Task TakeAsync(HttpContext context, int merchant, long product, MultipartReader parts)
    {
        if (await uploads.BeginAsync(merchant, product, context.Caller(), context.RequestAborted) is not { } id)
        {
            await Problem.WriteAsync(context, StatusCodes.Status409Conflict, $"Product {product} has {ImageUploads.Most} images, or uploads of some; delete one first.");
            return;
        }

        var isKept = false;
        try
        {
            var (received, isNew) = await ReceiveAsync(context, id, product, parts);
            isKept = isNew;
            await AnswerAsync(context, received, isNew);
        }
        catch (UploadException wrong)
        {
            await Problem.WriteAsync(context, wrong.Status, $"The image is not taken: {wrong.Message}.");
        }
        catch (BlobStoreException failed)
        {
            logger.LogError(failed, "An image could not be stored");
            await (failed.Failure == BlobFailure.Full
                ? Problem.WriteAsync(context, StatusCodes.Status507InsufficientStorage, "There is no room left for images. Try again later.")
                : Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "The place where images are kept does not answer. Try again later."));
        }
        finally
        {
            if (!isKept)
            {
                await RemoveAsync(id); // removes nothing when it was received all the same
            }
        }
    }

    private async Task<(Image Image, bool IsNew)> ReceiveAsync(HttpContext context, ShardId id, long product, MultipartReader parts)
    {
        var cancel = context.RequestAborted;
        await using var draft = files.Draft();
        var sha256 = await ImagePart.ReadAsync(parts, draft, MostBytes, cancel);
        if (await ImageHeader.ReadAsync(draft.Read(), cancel) is not { } header)
        {
            throw new UploadException(StatusCodes.Status422UnprocessableEntity, "it begins like an image, and has no width and height where they belong");
        }

        if ((long)header.Width * header.Height > MostPixels)
        {
            throw new UploadException(StatusCodes.Status422UnprocessableEntity, $"it has {header.Width} × {header.Height} pixels; at most {MostPixels / 1_000_000} million are taken");
        }

        var bytes = draft.Length;
        await files.PutAsync(ImageBlobs.Original(id), draft, header.Type, cancel);
        var received = await uploads.ReceiveAsync(id, product, header, bytes, sha256, EnqueueAsync, context.Caller(), cancel)
            ?? throw new UploadException(StatusCodes.Status408RequestTimeout, $"it took longer than {ImageUploads.Longest.TotalMinutes:0} minutes");
        return (received, received.Number == id);

        async Task EnqueueAsync(ShardTransaction write, CancellationToken token)
        {
            await jobs.EnqueueAsync(write.Connection, new ResizeImage(id.Value), new EnqueueOptions { Unique = new JobUnique(id.ToString()) }, token);
            await audit.WriteAsync(
                write, Actor.Of(context), "image.add", string.Create(CultureInfo.InvariantCulture, $"product:{product}"), null, new JsonObject { ["image"] = id.ToString(), ["bytes"] = bytes }, token);
        }
    }

    private static async Task AnswerAsync(HttpContext context, Image image, bool isNew)
    {
        context.Response.Headers.Location = image.Url;
        using var reply = new Reply();
        reply.Add("{\"success\":true,\"data\":"u8).Add(image, ImagesJson.Default.Image).Add("}"u8);
        await reply.SendAsync(context, isNew ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private async Task RemoveAsync(ShardId id)
    {
        try
        {
            await remover.RemoveAsync(id, CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or PostgresStoreException or ShardException or IOException or TimeoutException)
        {
            logger.LogDebug(e, "Image {Id} is left to the job that tends them", id);
        }
    }

    private static async ValueTask<string?> ReadHeadersAsync(HttpContext context)
    {
        const int LongestBoundary = 70; // RFC 2046
        var request = context.Request;
        var boundary = MediaTypeHeaderValue.TryParse(request.ContentType, out var type) && type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            ? HeaderUtilities.RemoveQuotes(type.Boundary).ToString() : "";
        if (boundary.Length is 0 or > LongestBoundary)
        {
            await Problem.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, $"The body is '{request.ContentType}'; send multipart/form-data with a boundary, and the image in its part 'file'.");
            return null;
        }

        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding.ToString() is not ("" or "identity"))
        {
            context.Response.Headers.AcceptEncoding = "identity";
            await Problem.WriteAsync(context, StatusCodes.Status415UnsupportedMediaType, $"The body is encoded as '{request.Headers.ContentEncoding}'; send it as it is.");
            return null;
        }

        if (request.ContentLength > MostBytes + AroundFile)
        {
            await Problem.WriteAsync(context, StatusCodes.Status413PayloadTooLarge, $"The body has {request.ContentLength} bytes; an image may have {MostBytes} (20 MiB).");
            return null;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = MostBytes + AroundFile;
        }

        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = Slowest;
        }

        return boundary;
    }
}

/// <summary>An upload that is not taken: the status and why.</summary>
internal sealed class UploadException(int status, string message) : Exception(message)
{
    public int Status => status;
}
