using Commons.Audit;
using Commons.Data;
using Commons.Http;
using Rez.Caching;
using Tenfold.AspNetCore;
using Tenfold.AspNetCore.Errors;
using Tenfold.Caching;
using Tenfold.Postgres;

namespace Rez.Products;

/// <summary>
/// <c>POST /api/merchants/{id}/products</c>. The merchant's own key, sku, makes it safe to send again: the second time it is a 409 that says where the
/// product is. It is made where the merchant is, and then in the catalogue; the answer comes after both. What does not get to the second step is
/// brought there by <see cref="Publisher"/>.
/// </summary>
internal sealed class CreateProduct(MerchantProducts products, Publisher publisher, PostgresStore home, TenfoldCache cache)
{
    private const string Look =
        """
        SELECT EXISTS (SELECT FROM merchants WHERE id = $1), EXISTS (SELECT FROM categories WHERE id = $2),
            coalesce((SELECT id FROM stores WHERE merchant_id = $1 AND ($3::integer IS NULL OR id = $3) ORDER BY id LIMIT 1), 0), nextval(pg_get_serial_sequence('products', 'id'))
        """;

    public async Task HandleAsync(HttpContext context)
    {
        if (await Ownership.ReadMerchantAsync(context) is not { } merchant || !await new QueryParameters(context).AnswerErrorsAsync(context)
            || await JsonBody.ReadAsync(context, ProductsJson.Default.NewProduct, "product", body => body.Errors()) is not { } product)
        {
            return;
        }

        var place = await LookAsync(merchant, product, context.RequestAborted);
        if (!place.HasMerchant)
        {
            await ItemReply.NotFoundAsync(context, "merchant");
        }
        else if (place.Errors(product) is { Count: > 0 } errors)
        {
            await Problem.WriteAsync(context, StatusCodes.Status400BadRequest, $"The product is not valid: {string.Join("; ", errors.Select(error => $"{error.Key} {error.Value[0]}"))}.", errors);
        }
        else if (await products.CreateAsync(merchant, place.NewId, place.Store, product, Actor.Of(context), context.Caller(), context.RequestAborted) is { } created)
        {
            await PublishAsync(context, created);
        }
        else
        {
            await RefuseAsync(context, merchant, product.Sku!);
        }
    }

    private async Task PublishAsync(HttpContext context, MerchantProduct created)
    {
        using var reply = new Reply();
        int? version;
        try
        {
            // First among the catalogue's rows, then as every change, which is what its caller sees from then on.
            await publisher.PublishAsync([created], CancellationToken.None);
            version = await publisher.PublishAsync(created, reply, context.Caller());
        }
        finally
        {
            await Cached.InvalidateAsync(cache, created.Id, null);
        }

        if (version is null)
        {
            context.Response.Headers.RetryAfter = "5";
            await Problem.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, $"Product {created.Id} is made, and not shown yet: its category or store was taken away a moment ago.");
            return;
        }

        context.Response.Headers.Location = PathOf(created.Id);
        context.Response.Headers.ETag = $"\"{version}\"";
        await reply.SendAsync(context, StatusCodes.Status201Created);
    }

    private async Task RefuseAsync(HttpContext context, int merchant, string sku)
    {
        // From the primary: the other one may have been made a moment ago.
        var known = (await products.OfSkuNowAsync(merchant, sku, context.RequestAborted))?.Id;
        if (known is { } id)
        {
            context.Response.Headers.Location = PathOf(id);
        }

        await Problem.WriteAsync(context, StatusCodes.Status409Conflict, $"Merchant {merchant} has a product with the sku '{sku}' already: {known}. Change that one, or choose another sku.");
    }

    private async Task<Place> LookAsync(int merchant, NewProduct product, CancellationToken cancel)
    {
        await using var connection = await home.OpenWriterAsync(null, cancel); // it takes a number
        return (await Sql.OneAsync(
            Sql.Command(connection, Look, merchant, product.CategoryId!.Value, product.StoreId),
            row => new Place(row.GetBoolean(0), row.GetBoolean(1), row.GetInt32(2), row.GetInt64(3)),
            cancel))!;
    }

    private static string PathOf(long id) => $"/api/products/{id}";

    private sealed record Place(bool HasMerchant, bool HasCategory, int Store, long NewId)
    {
        public Dictionary<string, string[]> Errors(NewProduct product)
        {
            var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
            if (!HasCategory)
            {
                errors["categoryId"] = [$"there is no category {product.CategoryId}"];
            }

            if (Store == 0)
            {
                errors["storeId"] = [product.StoreId is { } id ? $"store {id} is not one of this merchant's" : "this merchant has no store"];
            }

            return errors;
        }
    }
}
