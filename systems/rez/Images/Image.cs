using System.Globalization;
using System.Text.Json.Serialization;
using Npgsql;
using Tenfold.Postgres.Shards;

namespace Rez.Images;

/// <summary>An image of a product as its merchant sees it.</summary>
/// <param name="Id">It holds the merchant's bucket. A string: JavaScript's numbers hold 53 bits.</param>
/// <param name="ProductId">The product.</param>
/// <param name="Position">Its place among the product's images, from 1.</param>
/// <param name="State">received (its sizes are being made), ready, original (served as it was uploaded, since libvips is not installed) or failed.</param>
/// <param name="Type">Of the upload, by its content.</param>
/// <param name="Bytes">Of the upload.</param>
/// <param name="Width">Pixels of the largest that is served.</param>
/// <param name="Height">Pixels of the largest that is served.</param>
/// <param name="Widths">What was made; the largest last.</param>
/// <param name="CreatedAt">When it was uploaded.</param>
internal sealed record Image(string Id, long ProductId, int Position, string State, string Type, int Bytes, int Width, int Height, int[] Widths, DateTimeOffset CreatedAt)
{
    /// <summary>Where it is, in the width that replaces the last part.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"/images/{Id}/{(Widths.Length > 0 ? Widths[^1] : Width)}");

    /// <summary>Why it is not ready.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Problem { get; init; }

    [JsonIgnore]
    public int MerchantId { get; init; }

    [JsonIgnore]
    public ShardId Number => new(long.Parse(Id, CultureInfo.InvariantCulture));

    internal const string Columns = "id, product_id, position, state, type, bytes, width, height, widths, created_at, problem, merchant_id";

    internal static Image Read(NpgsqlDataReader row) => new(
        new ShardId(row.GetInt64(0)).ToString(), row.GetInt64(1), row.GetInt32(2), row.GetString(3), row.GetString(4), row.GetInt32(5), row.GetInt32(6), row.GetInt32(7), row.GetFieldValue<int[]>(8), row.GetFieldValue<DateTimeOffset>(9))
    {
        Problem = row.IsDBNull(10) ? null : row.GetString(10),
        MerchantId = row.GetInt32(11),
    };
}

/// <summary>A product's images, in their order.</summary>
internal sealed record ListOfImages(bool Success, Image[] Data);

/// <summary>What can be changed of an image.</summary>
internal sealed record ImageChange
{
    /// <summary>Its place among the product's images, from 1; a number beyond their count is the last place.</summary>
    public int? Position { get; init; }

    public Dictionary<string, string[]> Errors() => Position is >= 1 ? [] : Commons.Http.JsonBody.Error("position", Position is null ? "is missing; it is the image's place, from 1" : "must be 1 or more");
}

/// <summary>The body of an upload, for the OpenAPI document.</summary>
/// <param name="File">The image.</param>
internal sealed record ImageUpload(byte[] File);
