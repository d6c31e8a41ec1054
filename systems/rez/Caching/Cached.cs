using System.Globalization;
using Rez.Products;
using Tenfold.Caching;

namespace Rez.Caching;

/// <summary>What is cached under which policy of the guide, and what a change of a product invalidates.</summary>
internal static class Cached
{
    /// <summary>Lists and searches of products.</summary>
    public const string Products = "products";

    /// <summary>One product.</summary>
    public const string Product = "product";
    public const string Featured = "featured";
    public const string Categories = "categories";
    public const string Stores = "stores";

    /// <summary>Merchants.</summary>
    public const string Profiles = "profiles";

    /// <summary>Of <c>/api/products/{id}</c>.</summary>
    public static IEnumerable<string> TagsOfProduct(HttpContext context) =>
        long.TryParse(context.Request.RouteValues["id"] as string, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? [TagOf(id)] : []; // 007 is 7

    /// <summary>After the change is in the database: its own page, every list it may stand in, and, where it may have moved, the counts of others.</summary>
    /// <param name="cache">The cache.</param>
    /// <param name="id">The product.</param>
    /// <param name="change">What was changed; null when that is not known.</param>
    public static async Task InvalidateAsync(TenfoldCache cache, long id, ProductChange? change)
    {
        List<string> tags = [TagOf(id), Products];
        if (change is null or { CategoryId: not null } or { IsActive: not null })
        {
            tags.AddRange([Categories, Stores, Profiles]);
        }

        await Task.WhenAll(tags.Select(tag => cache.InvalidateTagAsync(tag).AsTask()));
    }

    /// <summary>After changes of many products: their own pages.</summary>
    public static Task InvalidateAsync(TenfoldCache cache, IEnumerable<long> ids) => Task.WhenAll(ids.Select(id => cache.InvalidateTagAsync(TagOf(id)).AsTask()));

    /// <summary>After changes of many products: every list, and all that counts products.</summary>
    public static Task InvalidateListsAsync(TenfoldCache cache) => Task.WhenAll(new[] { Products, Categories, Stores, Profiles }.Select(tag => cache.InvalidateTagAsync(tag).AsTask()));

    private static string TagOf(long id) => string.Create(CultureInfo.InvariantCulture, $"product:{id}");
}
