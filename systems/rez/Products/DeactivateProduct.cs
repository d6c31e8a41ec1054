using Commons.Audit;
using Commons.Http;
using Rez.Caching;
using Tenfold.AspNetCore;
using Tenfold.Caching;

namespace Rez.Products;

/// <summary><c>DELETE /api/products/{id}</c>: nobody sees it any more; its orders and reviews stay, and PATCH with <c>isActive</c> brings it back.</summary>
internal sealed class DeactivateProduct(Ownership ownership, MerchantProducts products, Publisher publisher, TenfoldCache cache)
{
    private static readonly ProductChange Off = new() { IsActive = false };

    public async Task HandleAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "product") is not { } id || !await new QueryParameters(context).AnswerErrorsAsync(context) || await ownership.FindAsync(context, id) is not { } merchant)
        {
            return;
        }

        if (await products.FindAsync(merchant, id, context.Caller(), context.RequestAborted) is not { IsActive: false })
        {
            try
            {
                if (await products.ChangeAsync(merchant, id, Off, null, Actor.Of(context), context.Caller(), context.RequestAborted) is { } changed)
                {
                    using var reply = new Reply();
                    await publisher.PublishAsync(changed, reply, context.Caller());
                }
            }
            finally
            {
                await Cached.InvalidateAsync(cache, id, Off); // also when it is not known whether it was made
            }
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
