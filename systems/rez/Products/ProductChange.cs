using static Commons.Http.JsonBody;

namespace Rez.Products;

/// <summary>
/// The body of PUT (everything) and PATCH (what is to change). A field that is not given is null; one that is given as null is
/// refused, because no field of a product may be empty.
/// </summary>
internal class ProductChange
{
    public string? Name { get; set => field = NotNull(value, "name"); }

    public string? Brand { get; set => field = NotNull(value, "brand"); }

    public string? Description { get; set => field = NotNull(value, "description"); }

    /// <summary>US dollars with at most two decimals, 0.01 to 1,000,000.</summary>
    public decimal? Price { get; set => field = NotNull(value, "price"); }

    public int? CategoryId { get; set => field = NotNull(value, "categoryId"); }

    public bool? IsActive { get; set => field = NotNull(value, "isActive"); }

    public bool? IsFeatured { get; set => field = NotNull(value, "isFeatured"); }

    /// <summary>Every error, by field. <paramref name="whole"/>: nothing may be missing (PUT).</summary>
    public Dictionary<string, string[]> Errors(bool whole)
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        Text("name", Name, 1, 200);
        Text("brand", Brand, 1, 80);
        Text("description", Description, 0, 5000);
        Check("price", Price is null, Price is null or (>= 0.01m and <= 1_000_000m) && (Price is null || decimal.Round(Price.Value, 2) == Price), "must be from 0.01 to 1000000 with at most 2 decimals");
        Check("categoryId", CategoryId is null, CategoryId is null or > 0, "must be the id of a category");
        Check("isActive", IsActive is null, right: true, "");
        Check("isFeatured", IsFeatured is null, right: true, "");
        if (!whole && errors.Count == 0 && this is { Name: null, Brand: null, Description: null, Price: null, CategoryId: null, IsActive: null, IsFeatured: null })
        {
            errors["body"] = ["changes nothing; give at least one of name, brand, description, price, categoryId, isActive, isFeatured"];
        }

        return errors;

        void Text(string field, string? value, int least, int most) => Check(
            field,
            value is null,
            value is null || (value.Trim().Length >= least && value.Length <= most && !value.Contains('\0', StringComparison.Ordinal)),
            $"must have {least} to {most} characters, none of them NUL");

        void Check(string field, bool missing, bool right, string rule)
        {
            if (missing && whole)
            {
                errors[field] = ["is missing; PUT replaces the whole product, PATCH changes a part"];
            }
            else if (!right)
            {
                errors[field] = [rule];
            }
        }
    }
}
