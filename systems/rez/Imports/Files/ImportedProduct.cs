using System.Text.Json;
using Rez.Products;

namespace Rez.Imports.Files;

/// <summary>A line of a file: the product with this key of the merchant's, and what is said about it. What is not said stays, or gets its default.</summary>
internal sealed class ImportedProduct : ProductChange
{
    public const int LongestSku = 64;

    public string? Sku { get; set; }

    public int? StoreId { get; set => field = value ?? throw new JsonException("must not be null", "$.storeId", null, null); }

    /// <summary>Everything that is wrong with the line itself; null when nothing is.</summary>
    public string? Problem()
    {
        var errors = Errors(whole: false);
        errors.Remove("body"); // a line with a key and nothing else changes nothing
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

        return errors.Count == 0 ? null : string.Join("; ", errors.Select(error => $"{error.Key}: {error.Value[0]}"));
    }
}
