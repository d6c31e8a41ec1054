using Npgsql;
using Rez.Caching;
using Commons.Accounts;
using Commons.Audit;
using Commons.Http;
using Tenfold.AspNetCore.Errors;
using Tenfold.AspNetCore;
using Tenfold.Caching;

namespace Rez.Products;

/// <summary>
/// <c>PUT</c> and <c>PATCH /api/products/{id}</c>. With <c>If-Match</c> the change is made only to that version (the ETag of a
/// GET), else 412; without it the last one wins. A change is made where the product's merchant is, and then in the catalogue; the
/// answer comes after both. What does not get to the second step is brought there by <see cref="Publisher"/>.
/// </summary>
internal sealed class UpdateProduct(Catalogue catalogue, MerchantProducts products, Publisher publisher, TenfoldCache cache)
{
    public Task PutAsync(HttpContext context) => HandleAsync(context, whole: true);

    public Task PatchAsync(HttpContext context) => HandleAsync(context, whole: false);

    private async Task HandleAsync(HttpContext context, bool whole)
    {
        if (await ItemReply.ReadIdAsync(context, "product") is not { } id
            || !await new QueryParameters(context).AnswerErrorsAsync(context)
            || await JsonBody.ReadAsync(context, RezJson.Default.ProductChange, "product", body => body.Errors(whole)) is not { } change)
        {
            return;
        }

        if (!TryReadVersion(context.Request.Headers.IfMatch, out var version))
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, "If-Match must be one ETag of this product, such as \"3\", or *.");
            return;
        }

        if (await catalogue.FindAsync(id, change.CategoryId, context.Caller(), context.RequestAborted) is not { } place || !context.Identity().MayChange(place.Merchant))
        {
            await ItemReply.NotFoundAsync(context, "product");
        }
        else if (!place.HasCategory)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"categoryId: there is no category {change.CategoryId}.", JsonBody.Error("categoryId", $"there is no category {change.CategoryId}"));
        }
        else
        {
            await ChangeAsync(context, place.Merchant, id, change, version);
        }
    }

    private async Task ChangeAsync(HttpContext context, int merchant, long id, ProductChange change, int? version)
    {
        using var reply = new Reply();
        int? published = null;
        try
        {
            if (await products.ChangeAsync(merchant, id, change, version, Actor.Of(context), context.Caller(), context.RequestAborted) is { } changed)
            {
                // It is made: whether its client has left or not, it is published.
                published = await publisher.PublishAsync(changed, reply, context.Caller());
            }
        }
        catch (Exception unknown) when (unknown is not PostgresException { InvariantSeverity: "ERROR" })
        {
            // The client has left, or a connection broke: the change may have been made.
            await Cached.InvalidateAsync(cache, id, change);
            throw;
        }

        if (published is not null)
        {
            context.Response.Headers.ETag = $"\"{published}\"";
            await Cached.InvalidateAsync(cache, id, change);
            await reply.SendAsync(context);
            return;
        }

        await (await products.FindAsync(merchant, id, context.Caller(), context.RequestAborted) is { } found
            ? Problem.WriteAsync(context, StatusCodes.Status412PreconditionFailed, $"Product {id} is at version {found.Version} now, not at {version}: read it again and repeat the change.")
            : ItemReply.NotFoundAsync(context, "product"));
    }

    private static bool TryReadVersion(string? ifMatch, out int? version)
    {
        version = null;
        if (ifMatch is null or "" or "*")
        {
            return true;
        }

        if (ifMatch.Length > 2 && ifMatch[0] == '"' && ifMatch[^1] == '"' && int.TryParse(ifMatch[1..^1], out var number))
        {
            version = number;
            return true;
        }

        return false;
    }
}
