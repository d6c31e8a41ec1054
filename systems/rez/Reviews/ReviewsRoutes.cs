using Commons.Accounts;
using Commons.Http;
using Commons.OpenApi;
using static Commons.OpenApi.CommonParameters;

namespace Rez.Reviews;

/// <summary>Reviews of products by those who have bought them.</summary>
internal static class ReviewsRoutes
{
    private static readonly Parameter Next = new("cursor", typeof(string), "pagination.nextCursor of the page before; same sort.");

    private static readonly Operation AddReviewOperation = new(
        "addReview", "Reviews a product that was bought: once for each order with it", typeof(Item<ReviewShown>), Id)
    { Body = typeof(ReviewBody), Status = 201, Access = Access.User, Problems = [404, 409, 413, 415] };

    private static readonly Operation ListReviewsOperation = new(
        "listReviews", "A product's reviews, their mean and how many give each number of stars", typeof(ReviewPage), Id, Limit, Next,
        new Parameter("sort", typeof(string), "newest when not given. Of equal ratings the newest comes first, with lowest the oldest.") { Choices = [.. ReadReviews.Sorts.Keys] });

    private static readonly Operation ChangeReviewOperation = new("changeReview", "Changes rating or text of a review of one's own", typeof(Item<ReviewShown>), Id)
    { Body = typeof(ReviewBody), Access = Access.User, Problems = [404, 413, 415] };

    private static readonly Operation DeleteReviewOperation = new("deleteReview", "Deletes a review of one's own, and answers with it", typeof(Item<ReviewShown>), Id) { Access = Access.User, Problems = [404] };

    private static readonly Operation ListOwnReviewsOperation = new("listOwnReviews", "What the user has written, hidden or not, the newest first", typeof(ReviewPage), Limit, Next) { Access = Access.User };

    private static readonly Operation HideReviewOperation = new("hideReview", "Hides a review: it is neither shown nor counted. Again: nothing changes", typeof(Item<ReviewShown>), Id) { Access = Access.Admin, Problems = [404] };

    private static readonly Operation ShowReviewOperation = new("showReview", "Shows a hidden review again", typeof(Item<ReviewShown>), Id) { Access = Access.Admin, Problems = [404] };

    public static void AddReviews(this IServiceCollection services)
    {
        services.AddSingleton<Purchases>();
        services.AddSingleton<ReviewTable>();
        services.AddSingleton<ReadReviews>();
        services.AddSingleton<WriteReview>();
        services.AddSingleton<RatingPublisher>();
        services.AddHostedService(provider => provider.GetRequiredService<RatingPublisher>());
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Add(ReviewsJson.Default));
    }

    public static void MapReviews(this RouteTable routes)
    {
        var (read, write) = (routes.Of<ReadReviews>(), routes.Of<WriteReview>());
        routes.Map("POST", "/api/products/{id}/reviews", write.AddAsync, AddReviewOperation);
        routes.Map("GET", "/api/products/{id}/reviews", read.OfProductAsync, ListReviewsOperation);
        routes.Map("PATCH", "/api/reviews/{id}", write.ChangeAsync, ChangeReviewOperation);
        routes.Map("DELETE", "/api/reviews/{id}", write.DeleteAsync, DeleteReviewOperation);
        routes.Map("GET", "/api/users/me/reviews", read.OwnAsync, ListOwnReviewsOperation);
        routes.Map("POST", "/api/admin/reviews/{id}/hide", write.HideAsync, HideReviewOperation);
        routes.Map("POST", "/api/admin/reviews/{id}/show", write.ShowAsync, ShowReviewOperation);
    }
}
