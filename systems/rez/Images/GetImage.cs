using System.Globalization;
using Commons.Files;
using Commons.Http;
using Microsoft.Net.Http.Headers;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Postgres.Shards;

namespace Rez.Images;

/// <summary>
/// <c>GET</c> and <c>HEAD /images/{id}/{width}</c>: the next larger width that was made, or the largest, as WebP for those whose <c>Accept</c> names it and as
/// JPEG for others. An image never changes, so its sizes may be kept for a year; before they are made, or without libvips, it is served as it was
/// uploaded, and asked for again each time. Conditional and range requests are the framework's (RFC 9110).
/// </summary>
internal sealed class GetImage(ImageTable images, IBlobStore files)
{
    private const int WidestAsked = 10_000;

    public async Task HandleAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "image") is not { } id || !await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return;
        }

        var text = context.Request.RouteValues["width"] as string;
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var width) || width is < 1 or > WidestAsked)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"The width must be a whole number from 1 to {WidestAsked}, in pixels.");
            return;
        }

        var number = new ShardId(id);
        if (await images.FindAsync(number, context.Caller(), context.RequestAborted) is not { State: not "failed" } image)
        {
            await ItemReply.NotFoundAsync(context, "image");
            return;
        }

        try
        {
            await ServeAsync(context, image, width);
        }
        catch (BlobStoreException) when (!context.Response.HasStarted)
        {
            context.Response.Headers.Clear();
            context.Response.Headers.RetryAfter = "5";
            await Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "The place where images are kept does not answer. Try again.");
        }
    }

    private async Task ServeAsync(HttpContext context, Image image, int asked)
    {
        var isMade = image.Widths.Length > 0;
        var width = isMade ? ImageSizes.Nearest(image.Widths, asked) : 0;
        var format = ImageAccept.Choose(context.Request.Headers.Accept) ? ImageFormat.WebP : ImageFormat.Jpeg;
        var key = isMade ? ImageBlobs.Made(image.Number, width, format) : ImageBlobs.Original(image.Number);
        if (await files.OpenAsync(key, context.RequestAborted) is not { } blob)
        {
            await ItemReply.NotFoundAsync(context, "image"); // deleted a moment ago, or lost: then it is logged where it is made
            return;
        }

        await using (blob)
        {
            var headers = context.Response.Headers;
            headers.CacheControl = isMade ? "public, max-age=31536000, immutable" : "no-cache";
            headers.XContentTypeOptions = "nosniff";
            if (isMade)
            {
                headers.Vary = HeaderNames.Accept;
            }

            var tag = isMade ? string.Create(CultureInfo.InvariantCulture, $"\"{width}.{format.Extension}-{blob.Version}\"") : $"\"original-{blob.Version}\"";
            await Results.Stream(blob.Content, isMade ? format.Type : image.Type, null, blob.Modified, new EntityTagHeaderValue(tag), enableRangeProcessing: true).ExecuteAsync(context);
        }
    }
}

/// <summary>Content negotiation between the two formats that are made.</summary>
internal static class ImageAccept
{
    /// <summary>
    /// Whether WebP is wanted. Browsers that can show it say so by name; <c>*/*</c> and <c>image/*</c> are sent by those, too, that cannot. Whoever says that they like JPEG better gets that.
    /// </summary>
    /// <param name="accept">The header's values.</param>
    public static bool Choose(IList<string>? accept)
    {
        if (!MediaTypeHeaderValue.TryParseList(accept, out var ranges))
        {
            return false;
        }

        double webP = 0, jpeg = 0;
        foreach (var range in ranges)
        {
            if (range.MediaType.Equals(ImageHeader.WebP, StringComparison.OrdinalIgnoreCase))
            {
                webP = range.Quality ?? 1;
            }
            else if (range.MediaType.Equals(ImageHeader.Jpeg, StringComparison.OrdinalIgnoreCase))
            {
                jpeg = range.Quality ?? 1;
            }
        }

        return webP > 0 && webP >= jpeg;
    }
}
