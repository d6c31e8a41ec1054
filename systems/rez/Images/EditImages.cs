using Commons.Accounts;
using Commons.Http;
using Rez.Products;
using Tenfold.AspNetCore;
using Tenfold.Jobs;
using Tenfold.Postgres.Shards;

namespace Rez.Images;

/// <summary><c>GET /api/products/{id}/images</c>, for the product's merchant: how far each one is, too.</summary>
internal sealed class ListImages(Ownership ownership, ImageTable images)
{
    public async Task HandleAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "product") is not { } product || !await new QueryParameters(context).AnswerErrorsAsync(context) || await ownership.FindAsync(context, product) is not { } merchant)
        {
            return;
        }

        using var reply = new Reply();
        reply.Add(new ListOfImages(true, [.. await images.ListAsync(merchant, product, context.Caller(), context.RequestAborted)]), ImagesJson.Default.ListOfImages);
        context.Response.Headers.CacheControl = "no-store";
        await reply.SendAsync(context);
    }
}

/// <summary><c>PUT</c> and <c>DELETE /api/images/{id}</c>: an image's place among its product's, and its end.</summary>
internal sealed class EditImages(ImageTable images, ImagePublisher publisher, JobClient jobs)
{
    public async Task PutAsync(HttpContext context)
    {
        if (await FindAsync(context) is not { } image || await JsonBody.ReadAsync(context, ImagesJson.Default.ImageChange, "image", body => body.Errors()) is not { } change)
        {
            return;
        }

        await publisher.PublishAsync(await images.MoveAsync(image, change.Position!.Value, context.Caller(), context.RequestAborted), context.Caller());
        using var reply = new Reply();
        reply.Add(new ListOfImages(true, [.. await images.ListAsync(image.MerchantId, image.ProductId, context.Caller(), context.RequestAborted)]), ImagesJson.Default.ListOfImages);
        await reply.SendAsync(context);
    }

    public async Task DeleteAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } image)
        {
            var changed = await images.DeleteAsync(image, (connection, cancel) => jobs.EnqueueAsync(connection, new DeleteImage(image.Number.Value), cancel: cancel), context.Caller(), context.RequestAborted);
            await publisher.PublishAsync(changed, context.Caller());
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
    }

    /// <returns>Null when an answer has been written: there is no such image of the caller's.</returns>
    private async Task<Image?> FindAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "image") is not { } id || !await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            return null;
        }

        if (await images.FindAsync(new ShardId(id), context.Caller(), context.RequestAborted) is { } image && context.Identity().MayChange(image.MerchantId))
        {
            return image;
        }

        await ItemReply.NotFoundAsync(context, "image");
        return null;
    }
}
