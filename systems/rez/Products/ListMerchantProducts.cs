using System.Text.Json;
using System.Text.Json.Serialization;
using Commons.Http;
using Rez.Listing;
using Rez.OpenApi;
using Tenfold.AspNetCore;

namespace Rez.Products;

/// <summary>A product as its merchant sees it; published is the version that customers see already.</summary>
internal sealed record OwnProduct(
    long Id, string Sku, string Name, string Brand, string Description, decimal Price, int CategoryId, int StoreId, bool IsActive, bool IsFeatured, int Version, bool IsPublished,
    DateTime CreatedAt, DateTime UpdatedAt, ProductImages Images);

/// <summary>Bodies and answers of products at their merchants.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(NewProduct))]
[JsonSerializable(typeof(ProductImages))]
[JsonSerializable(typeof(ListOf<OwnProduct>))]
internal sealed partial class ProductsJson : JsonSerializerContext;

/// <summary><c>GET /api/merchants/{id}/products</c>: all of a merchant's products, active or not, the newest first; or the one with a sku.</summary>
internal sealed class ListMerchantProducts(MerchantProducts products)
{
    public async Task HandleAsync(HttpContext context)
    {
        var parameters = new QueryParameters(context);
        var limit = parameters.Number("limit", 20, 1, 100);
        var sku = parameters.Text("sku", KeyedProduct.LongestSku);
        var cursor = parameters.Text("cursor", 100);
        if (await Ownership.ReadMerchantAsync(context) is not { } merchant)
        {
            return;
        }

        Cursor after = default;
        if (cursor is not null && (!Cursor.TryParse(cursor, out after) || after.Query != (uint)merchant || sku is not null))
        {
            parameters.Wrong("cursor", sku is not null ? "is not for a single sku" : "is not one of this list; take it from pagination.nextCursor");
        }

        if (!await parameters.AnswerErrorsAsync(context))
        {
            return;
        }

        var (caller, cancel) = (context.Caller(), context.RequestAborted);
        var rows = sku is not null
            ? await products.OfSkuAsync(merchant, sku, caller, cancel)
            : await products.ListAsync(merchant, cursor is null ? null : (new DateTime(Math.Clamp(after.First, 0, DateTime.MaxValue.Ticks), DateTimeKind.Utc), after.Id), limit + 1, caller, cancel);
        var page = rows.Take(limit).ToArray();
        var next = rows.Count > limit ? new Cursor((uint)merchant, page[^1].CreatedAt.Ticks, 0, page[^1].Id).ToString() : null;
        using var reply = new Reply();
        reply.Add(new ListOf<OwnProduct>(true, [.. page.Select(Show)], new Pagination(limit, next is not null, NextCursor: next)), ProductsJson.Default.ListOfOwnProduct);
        await reply.SendAsync(context);
    }

    private static OwnProduct Show(MerchantProduct product) => new(
        product.Id, product.Sku, product.Name, product.Brand, product.Description, product.PriceCents / 100m, product.CategoryId, product.StoreId, product.IsActive, product.IsFeatured,
        product.Version, product.Published >= product.Version, product.CreatedAt, product.UpdatedAt, JsonSerializer.Deserialize(product.Images, ProductsJson.Default.ProductImages)!);
}
