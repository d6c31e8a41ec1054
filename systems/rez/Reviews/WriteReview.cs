using Commons.Accounts;
using Commons.Data;
using Commons.Http;
using Commons.OpenApi;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Postgres.Shards;

namespace Rez.Reviews;

/// <summary>
/// <c>POST /api/products/{id}/reviews</c>, <c>PATCH</c> and <c>DELETE /api/reviews/{id}</c>, and what administrators do with reviews.
/// Only who has bought reviews, once for each line of an order; somebody else's review is not there.
/// </summary>
internal sealed class WriteReview(ReviewTable reviews, Purchases purchases, ShardedStore store)
{
    public async Task AddAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "product") is not { } product
            || !await new QueryParameters(context).AnswerErrorsAsync(context)
            || await JsonBody.ReadAsync(context, ReviewsJson.Default.ReviewBody, "review", body => body.Errors(isNew: true)) is not { } body)
        {
            return;
        }

        var identity = context.Identity();
        if (await purchases.FindAsync(identity.User, product, body.Order, context.Caller(), context.RequestAborted) is not { } purchase)
        {
            await RefuseAsync(context, product, body);
        }
        else if (identity.ActsFor == purchase.Merchant)
        {
            await Problem.WriteAsync(context, StatusCodes.Status403Forbidden, $"Product {product} is your own merchant's: others review it.");
        }
        else if (await reviews.AddAsync(product, purchase, identity.User, body.Rating!.Value, body.Body ?? "", context.Caller(), context.RequestAborted) is not { } added)
        {
            await Problem.WriteAsync(context, StatusCodes.Status409Conflict, $"You have reviewed product {product} for {(body.Order is { } order ? $"order {order}" : "each order that you bought it with")}: change that review (PATCH /api/reviews/ID; GET /api/users/me/reviews lists yours).");
        }
        else
        {
            await SendAsync(context, added, StatusCodes.Status201Created);
        }
    }

    public async Task ChangeAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "review") is { } id
            && await new QueryParameters(context).AnswerErrorsAsync(context)
            && await JsonBody.ReadAsync(context, ReviewsJson.Default.ReviewBody, "review", body => body.Errors(isNew: false)) is { } body)
        {
            await ChangeAsync(context, id, context.Identity().User, review => review with { Rating = body.Rating ?? review.Rating, Body = body.Body ?? review.Body }, null);
        }
    }

    public async Task DeleteAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "review") is { } id && await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            await ChangeAsync(context, id, context.Identity().User, _ => null, null);
        }
    }

    public Task HideAsync(HttpContext context) => ModerateAsync(context, isShown: false);

    public Task ShowAsync(HttpContext context) => ModerateAsync(context, isShown: true);

    private async Task ModerateAsync(HttpContext context, bool isShown)
    {
        if (await ItemReply.ReadIdAsync(context, "review") is { } id && await new QueryParameters(context).AnswerErrorsAsync(context))
        {
            await ChangeAsync(context, id, null, review => review with { IsShown = isShown }, null);
        }
    }

    private async Task ChangeAsync(HttpContext context, long id, ShardId? author, Func<Review, Review?> change, Func<ShardTransaction, Review, CancellationToken, Task>? note)
    {
        // An id is whatever a client sends: its bucket may be none of this store's.
        if (new ShardId(id) is var review && review.Bucket < store.Map.Scheme.Count
            && await reviews.ChangeAsync(review, author, change, note, context.Caller(), context.RequestAborted) is { } changed)
        {
            await SendAsync(context, changed, StatusCodes.Status200OK);
        }
        else
        {
            await ItemReply.NotFoundAsync(context, "review");
        }
    }

    private async Task RefuseAsync(HttpContext context, long product, ReviewBody body)
    {
        await using var connection = await store.Home.OpenReaderAsync(context.Caller(), context.RequestAborted);
        var isThere = await Sql.ListAsync(Sql.Command(connection, "SELECT FROM products WHERE id = $1", product), _ => true, context.RequestAborted);
        await (isThere.Count == 0
            ? ItemReply.NotFoundAsync(context, "product")
            : Problem.WriteAsync(
                context,
                StatusCodes.Status403Forbidden,
                body.Order is { } order ? $"Order {order} is no paid order of yours with product {product}: only who has bought a product reviews it." : $"You have no paid order with product {product}: only who has bought it reviews it."));
    }

    private static async Task SendAsync(HttpContext context, Review review, int status)
    {
        using var reply = new Reply();
        await reply.Add(new Item<ReviewShown>(true, ReviewShown.OfOwn(review)), ReviewsJson.Default.ItemReviewShown).SendAsync(context, status);
    }
}
