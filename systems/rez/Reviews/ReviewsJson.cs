using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Commons.Http;
using Commons.OpenApi;

namespace Rez.Reviews;

/// <summary>The body of a new review, and of a change of one. A field that is not given is null.</summary>
internal sealed class ReviewBody
{
    private const int LongestText = 5000;

    /// <summary>Whole stars, 1 to 5.</summary>
    public int? Rating { get; set => field = JsonBody.NotNull(value, "rating"); }

    /// <summary>Up to 5,000 characters; may be empty.</summary>
    public string? Body { get; set => field = JsonBody.NotNull(value, "body"); }

    /// <summary>Of a new review: the order that the product was bought with. Not given: the newest one of which it was not reviewed.</summary>
    public string? OrderId { get; set => field = JsonBody.NotNull(value, "orderId"); }

    /// <summary>Every error, by field.</summary>
    public Dictionary<string, string[]> Errors(bool isNew)
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        if (Rating is not (null or (>= 1 and <= Reviews.Rating.Most)) || (isNew && Rating is null))
        {
            errors["rating"] = [$"must be whole stars, 1 to {Reviews.Rating.Most}"];
        }

        if (Body is { } body && (body.Length > LongestText || body.Contains('\0', StringComparison.Ordinal)))
        {
            errors["body"] = [$"must have up to {LongestText} characters, none of them NUL"];
        }

        if (!isNew && OrderId is not null)
        {
            errors["orderId"] = ["cannot be changed; delete the review and write another one"];
        }
        else if (OrderId is not null && Order is null)
        {
            errors["orderId"] = ["must be the id of an order, as text"];
        }

        if (!isNew && errors.Count == 0 && this is { Rating: null, Body: null })
        {
            errors[JsonProblem.Whole] = ["changes nothing; give rating, body or both"];
        }

        return errors;
    }

    /// <summary><see cref="OrderId"/> as a number; null when it is none.</summary>
    [JsonIgnore]
    public long? Order => long.TryParse(OrderId, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0 ? id : null;
}

/// <summary>A review as everybody sees it. <paramref name="OrderId"/> and <paramref name="State"/> are for its author and for administrators only.</summary>
internal sealed record ReviewShown(
    string Id, long ProductId, int Rating, string Body, string Author, DateTime CreatedAt, DateTime UpdatedAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? OrderId = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? State = null)
{
    public static ReviewShown Of(Review review) => new(review.Id.ToString(), review.ProductId, review.Rating, review.Body, review.Author, review.CreatedAt, review.UpdatedAt);

    /// <summary>For its author and for administrators.</summary>
    public static ReviewShown OfOwn(Review review) => Of(review) with { OrderId = review.OrderId.ToString(), State = review.IsShown ? "shown" : "hidden" };
}

/// <summary>Of the reviews that are shown: their mean to two decimals (0 without reviews), and how many give each number of stars.</summary>
internal sealed record RatingShown(decimal Average, int Count, Dictionary<string, int> Distribution)
{
    public static RatingShown Of(Rating rating) => new(
        rating.Count == 0 ? 0 : Math.Round((decimal)rating.Sum / rating.Count, 2, MidpointRounding.AwayFromZero),
        rating.Count,
        rating.Stars.Select((count, index) => (Stars: index + 1, count)).ToDictionary(pair => pair.Stars.ToString(CultureInfo.InvariantCulture), pair => pair.count, StringComparer.Ordinal));
}

internal sealed record ReviewPagination(int Limit, bool HasMore, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? NextCursor = null);

/// <summary><paramref name="Rating"/> is of a product's reviews only.</summary>
internal sealed record ReviewPage(
    bool Success, IEnumerable<ReviewShown> Data, ReviewPagination Pagination, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] RatingShown? Rating = null);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(ReviewBody))]
[JsonSerializable(typeof(Item<ReviewShown>))]
[JsonSerializable(typeof(ReviewPage))]
internal sealed partial class ReviewsJson : JsonSerializerContext;
