using System.Globalization;
using System.Text.Json.Nodes;
using Commons.Accounts;
using Commons.Audit;
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
internal sealed class EditImages(ImageTable images, ImagePublisher publisher, JobClient jobs, AuditLog audit)
{
    public async Task PutAsync(HttpContext context)
    {
        if (await FindAsync(context) is not { } image || await JsonBody.ReadAsync(context, ImagesJson.Default.ImageChange, "image", body => body.Errors()) is not { } change)
        {
            return;
        }

        await publisher.PublishAsync(await images.MoveAsync(image, change.Position!.Value, AuditAsync, context.Caller(), context.RequestAborted), context.Caller());
        using var reply = new Reply();
        reply.Add(new ListOfImages(true, [.. await images.ListAsync(image.MerchantId, image.ProductId, context.Caller(), context.RequestAborted)]), ImagesJson.Default.ListOfImages);
        await reply.SendAsync(context);

        Task AuditAsync(ShardTransaction write, CancellationToken cancel) =>
            audit.WriteAsync(write, Actor.Of(context), "image.move", Subject(image), new JsonObject { ["position"] = image.Position }, new JsonObject { ["position"] = change.Position }, cancel);
    }

    public async Task DeleteAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } image)
        {
            var changed = await images.DeleteAsync(image, EnqueueAsync, context.Caller(), context.RequestAborted);
            await publisher.PublishAsync(changed, context.Caller());
            context.Response.StatusCode = StatusCodes.Status204NoContent;

            async Task EnqueueAsync(ShardTransaction write, CancellationToken cancel)
            {
                await jobs.EnqueueAsync(write.Connection, new DeleteImage(image.Number.Value), cancel: cancel);
                await audit.WriteAsync(write, Actor.Of(context), "image.delete", Subject(image), new JsonObject { ["image"] = image.Id }, null, cancel);
            }
        }
    }

    private static string Subject(Image image) => string.Create(CultureInfo.InvariantCulture, $"product:{image.ProductId}");

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
