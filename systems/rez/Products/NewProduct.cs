using static Commons.Http.JsonBody;

namespace Rez.Products;

/// <summary>A product that is known by its merchant's own key.</summary>
internal abstract class KeyedProduct : ProductChange
{
    public const int LongestSku = 64;

    /// <summary>The merchant's own key of it, unique among the merchant's products.</summary>
    public string? Sku { get; set; }

    /// <summary>One of the merchant's stores; the oldest when not given.</summary>
    public int? StoreId { get; set => field = NotNull(value, "storeId"); }

    protected void AddKeyErrors(Dictionary<string, string[]> errors)
    {
        if (Sku is null)
        {
            errors["sku"] = ["is missing; it is your own key of the product"];
        }
        else if (Sku.Length is 0 or > LongestSku || Sku.AsSpan().ContainsAnyInRange('\0', '\x1F') || Sku.AsSpan().Trim().Length < Sku.Length)
        {
            errors["sku"] = [$"must have 1 to {LongestSku} characters, no control characters and no space at its ends"];
        }

        if (StoreId is < 1)
        {
            errors["storeId"] = ["must be the id of a store"];
        }
    }
}

/// <summary>The body of <c>POST /api/merchants/{id}/products</c>: sku, name, brand, price and categoryId must be given; the description is empty, the product active and not featured otherwise.</summary>
internal sealed class NewProduct : KeyedProduct
{
    private const int MostStock = 1_000_000;

    /// <summary>How many there are to sell; none when not given.</summary>
    public int? Stock { get; set => field = NotNull(value, "stock"); }

    /// <summary>Every error, by field.</summary>
    public Dictionary<string, string[]> Errors()
    {
        var errors = Errors(whole: false);
        errors.Remove("body"); // what is missing is named below
        AddKeyErrors(errors);
        foreach (var (field, isMissing) in ((string, bool)[])[("name", Name is null), ("brand", Brand is null), ("price", Price is null), ("categoryId", CategoryId is null)])
        {
            if (isMissing)
            {
                errors[field] = ["is missing"];
            }
        }

        if (Stock is < 0 or > MostStock)
        {
            errors["stock"] = [$"must be from 0 to {MostStock}"];
        }

        return errors;
    }
}
