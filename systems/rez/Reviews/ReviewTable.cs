using Npgsql;
using Commons.Data;
using Tenfold.Jobs;
using Tenfold.Postgres;
using Tenfold.Postgres.Shards;

namespace Rez.Reviews;

/// <summary>What a buyer says of a product. <paramref name="Id"/> holds the product's bucket; <paramref name="Author"/> is the name as it was then.</summary>
internal sealed record Review(
    ShardId Id, long ProductId, ShardId UserId, ShardId OrderId, int Rating, string Body, string Author, bool IsShown, DateTime CreatedAt, DateTime UpdatedAt)
{
    internal const string Columns = "id, product_id, user_id, order_id, rating, body, author, state = 'shown', created_at, updated_at";

    internal static Review Read(NpgsqlDataReader row) => new(
        new ShardId(row.GetInt64(0)), row.GetInt64(1), new ShardId(row.GetInt64(2)), new ShardId(row.GetInt64(3)), row.GetInt16(4), row.GetString(5), row.GetString(6), row.GetBoolean(7),
        row.GetDateTime(8), row.GetDateTime(9));

    /// <summary>What it counts as: its rating while it is shown.</summary>
    internal int? Counted => IsShown ? Rating : null;
}

/// <summary>
/// Changes of reviews, at their product's bucket. Each one changes the product's figures in the same transaction, which are so always
/// those of a recount, and enqueues the job that brings them into the catalogue.
/// </summary>
internal sealed class ReviewTable(ShardedStore store, JobClient jobs)
{
    /// <summary>A new review.</summary>
    /// <param name="product">Of which product.</param>
    /// <param name="purchase">What the buyer has bought it with: the first order counts of which it was not reviewed.</param>
    /// <param name="user">The buyer.</param>
    /// <param name="rating">1 to 5.</param>
    /// <param name="body">What is said.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>Null when it was reviewed for all of these orders.</returns>
    public Task<Review?> AddAsync(long product, Purchase purchase, ShardId user, int rating, string body, Caller? caller, CancellationToken cancel)
    {
        var id = store.NewId(product);
        return store.WriteAsync(
            product,
            async (write, token) =>
            {
                var added = await Sql.OneAsync(
                    Sql.Command(
                        write.Connection,
                        $"""
                        INSERT INTO reviews (bucket_id, id, product_id, user_id, order_id, rating, body, author)
                        SELECT $1, $2, $3, $4, o.id, $6, $7, $8 FROM unnest($5) WITH ORDINALITY o(id, place)
                        WHERE NOT EXISTS (SELECT FROM reviews WHERE bucket_id = $1 AND order_id = o.id AND product_id = $3) ORDER BY place LIMIT 1
                        ON CONFLICT (bucket_id, order_id, product_id) DO NOTHING RETURNING {Review.Columns}
                        """,
                        write.Bucket,
                        id.Value,
                        product,
                        user.Value,
                        purchase.Orders.Select(order => order.Value).ToArray(),
                        (short)rating,
                        body,
                        purchase.Buyer),
                    Review.Read,
                    token);
                if (added is not null)
                {
                    await CountAsync(write, product, null, added.Counted, token);
                }

                return added;
            },
            caller,
            cancel);
    }

    /// <summary>Changes or deletes a review.</summary>
    /// <param name="id">Which one.</param>
    /// <param name="author">Whose it must be; null: anybody's.</param>
    /// <param name="change">What it is to be: rating, body, whether it is shown; null: it is deleted. Called with the row locked.</param>
    /// <param name="note">Further work in the transaction, when anything changes.</param>
    /// <param name="caller">Who writes.</param>
    /// <param name="cancel">Ends the wait.</param>
    /// <returns>The review as it is now, or as it was when it is deleted; null when there is none of that author's.</returns>
    public Task<Review?> ChangeAsync(
        ShardId id, ShardId? author, Func<Review, Review?> change, Func<ShardTransaction, Review, CancellationToken, Task>? note, Caller? caller, CancellationToken cancel) => store.WriteAsync(
        id,
        async (write, token) =>
        {
            var before = await Sql.OneAsync(
                Sql.Command(write.Connection, $"SELECT {Review.Columns} FROM reviews WHERE bucket_id = $1 AND id = $2 FOR UPDATE", write.Bucket, id.Value), Review.Read, token);
            if (before is null || (author is { } of && before.UserId != of))
            {
                return null;
            }

            var after = change(before);
            if (after == before)
            {
                return before;
            }

            var changed = after is null
                ? Sql.Command(write.Connection, $"DELETE FROM reviews WHERE bucket_id = $1 AND id = $2 RETURNING {Review.Columns}", write.Bucket, id.Value)
                : Sql.Command(
                    write.Connection,
                    $"UPDATE reviews SET rating = $3, body = $4, state = $5, updated_at = CASE WHEN (rating, body) = ($3, $4) THEN updated_at ELSE now() END WHERE bucket_id = $1 AND id = $2 RETURNING {Review.Columns}",
                    write.Bucket,
                    id.Value,
                    (short)after.Rating,
                    after.Body,
                    after.IsShown ? "shown" : "hidden");
            var now = await Sql.OneAsync(changed, Review.Read, token);
            await CountAsync(write, before.ProductId, before.Counted, after?.Counted, token);
            await (note?.Invoke(write, before, token) ?? Task.CompletedTask);
            return now;
        },
        caller,
        cancel);

    /// <summary>The product's figures follow its reviews. Their row is locked until the end: changes of a product's reviews come one after the other.</summary>
    private async Task CountAsync(ShardTransaction write, long product, int? before, int? after, CancellationToken cancel)
    {
        if (Rating.Change(before, after) is not { } change)
        {
            return;
        }

        // Added first, so that the row is there: a proposed row with less than nothing would be refused before it meets the one that is there.
        await Sql.ExecuteAsync(
            Sql.Command(write.Connection, "INSERT INTO product_ratings (bucket_id, product_id, stars, count, sum, version) VALUES ($1, $2, '{0,0,0,0,0}', 0, 0, 0) ON CONFLICT DO NOTHING", write.Bucket, product), cancel);
        await Sql.ExecuteAsync(
            Sql.Command(
                write.Connection,
                """
                UPDATE product_ratings SET stars = ARRAY[stars[1] + ($3)[1], stars[2] + ($3)[2], stars[3] + ($3)[3], stars[4] + ($3)[4], stars[5] + ($3)[5]],
                    count = count + $4, sum = sum + $5, version = version + 1, updated_at = now()
                WHERE bucket_id = $1 AND product_id = $2
                """,
                write.Bucket,
                product,
                change,
                change.Sum(),
                change.Select((stars, index) => (long)stars * (index + 1)).Sum()),
            cancel);
        await jobs.EnqueueAsync(write.Connection, new PublishRating(product), new EnqueueOptions { Unique = new JobUnique($"{product}", UniqueWhile.Waiting) }, cancel);
    }
}
