using Rez.Products;

namespace Rez.Imports.Files;

/// <summary>A line of a file: the product with this key of the merchant's, and what is said about it. What is not said stays, or gets its default.</summary>
internal sealed class ImportedProduct : KeyedProduct
{
    /// <summary>Everything that is wrong with the line itself; null when nothing is.</summary>
    public string? Problem()
    {
        var errors = Errors(whole: false);
        errors.Remove("body"); // a line with a key and nothing else changes nothing
        AddKeyErrors(errors);
        return errors.Count == 0 ? null : string.Join("; ", errors.Select(error => $"{error.Key}: {error.Value[0]}"));
    }
}
