using Commons.Accounts;
using Commons.Data;
using Commons.Http;
using Rez.Listing;
using Tenfold.AspNetCore;
using Tenfold.Postgres.Shards;

namespace Rez.Reviews;

/// <summary><c>GET /api/products/{id}/reviews</c> and <c>GET /api/users/me/reviews</c>, both by keyset.</summary>
internal sealed class ReadReviews(ShardedStore store)
{
    /// <summary>Of equal ratings the newest first, or (lowest) the oldest: each is one walk of an index.</summary>
    public static IReadOnlyDictionary<string, ReviewSort> Sorts { get; } = new Dictionary<string, ReviewSort>(StringComparer.Ordinal)
    {
        ["newest"] = new(1, "(id) < ($3)", "id DESC"),
        ["highest"] = new(2, "(rating, id) < ($4, $3)", "rating DESC, id DESC"),
        ["lowest"] = new(3, "(rating, id) > ($4, $3)", "rating, id"),
    };

    /// <summary>A product's reviews that are shown, and its figures, in one round trip.</summary>
    public async Task OfProductAsync(HttpContext context)
    {
        if (await ItemReply.ReadIdAsync(context, "product") is not { } product)
        {
            return;
        }

        var parameters = new QueryParameters(context);
        var sort = parameters.Choice("sort", Sorts["newest"], Sorts);
        var paging = Paging.Read(parameters, () => sort.Hash(product));
        if (paging.Page > 1)
        {
            parameters.Wrong("page", "is not known here; go on with 'cursor' (pagination.nextCursor)");
        }

        if (!await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        var shard = store.Shard(product);
        await using var connection = await shard.OpenReaderAsync(context.Caller(), context.RequestAborted);
        await using var batch = connection.CreateBatch();
        var after = paging.After is { } cursor ? "AND " + sort.After : "";
        batch.BatchCommands.Add(
            paging.After is { } last
                ? Sql.InBatch(Page(), shard.Bucket, product, last.Id, (short)Math.Clamp(last.First, 0, Rating.Most))
                : Sql.InBatch(Page(), shard.Bucket, product));
        batch.BatchCommands.Add(Sql.InBatch("SELECT stars FROM product_ratings WHERE bucket_id = $1 AND product_id = $2", shard.Bucket, product));
        await using var rows = await batch.ExecuteReaderAsync(context.RequestAborted);
        var reviews = new List<Review>(paging.Limit + 1);
        while (await rows.ReadAsync(context.RequestAborted))
        {
            reviews.Add(Review.Read(rows));
        }

        await rows.NextResultAsync(context.RequestAborted);
        var rating = await rows.ReadAsync(context.RequestAborted) ? new Rating(rows.GetFieldValue<int[]>(0)) : Rating.None;
        await SendAsync(context, reviews, paging.Limit, ReviewShown.Of, review => new Cursor(sort.Hash(product), review.Rating, 0, review.Id.Value).ToString(), RatingShown.Of(rating));

        string Page() => $"SELECT {Review.Columns} FROM reviews WHERE bucket_id = $1 AND product_id = $2 AND state = 'shown' {after} ORDER BY {sort.OrderBy} LIMIT {paging.Limit + 1}";
    }

    /// <summary>What whoever asks has written, hidden or not, the newest first. Asks every database: reviews are where their products are.</summary>
    public async Task OwnAsync(HttpContext context)
    {
        var user = context.Identity().User;
        var parameters = new QueryParameters(context);
        var paging = Paging.Read(parameters, () => unchecked((uint)user.Value.GetHashCode()));
        if (paging.Page > 1)
        {
            parameters.Wrong("page", "is not known here; go on with 'cursor' (pagination.nextCursor)");
        }

        if (!await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        var page = await store.ScatterAsync(
            new ScatterQuery<Review>
            {
                Sql = $"SELECT {Review.Columns} FROM reviews WHERE user_id = $4 AND bucket_id = ANY ($1) AND id < $3 ORDER BY id DESC LIMIT $2",
                Values = [paging.After?.Id ?? long.MaxValue, user.Value],
                Read = Review.Read,
                Order = Comparer<Review>.Create((a, b) => b.Id.CompareTo(a.Id)),
                Limit = paging.Limit + 1,
            },
            context.Caller(),
            context.RequestAborted);
        await SendAsync(context, page.Rows, paging.Limit, ReviewShown.OfOwn, review => new Cursor(unchecked((uint)user.Value.GetHashCode()), 0, 0, review.Id.Value).ToString(), null);
    }

    private static async Task SendAsync(HttpContext context, IReadOnlyList<Review> found, int limit, Func<Review, ReviewShown> show, Func<Review, string> cursor, RatingShown? rating)
    {
        var more = found.Count > limit; // one row more than the limit says so
        using var reply = new Reply();
        await reply
            .Add(new ReviewPage(true, found.Take(limit).Select(show), new ReviewPagination(limit, more, more ? cursor(found[limit - 1]) : null), rating), ReviewsJson.Default.ReviewPage)
            .SendAsync(context);
    }
}

/// <summary>An order of a product's reviews.</summary>
/// <param name="Number">Tells it from the others in a cursor.</param>
/// <param name="After">What follows a cursor: $3 is its id, $4 its rating.</param>
/// <param name="OrderBy">A total order.</param>
internal sealed record ReviewSort(int Number, string After, string OrderBy)
{
    /// <summary>What a cursor must carry.</summary>
    public uint Hash(long product) => unchecked((uint)((product * 0x9E3779B1) + Number));
}
