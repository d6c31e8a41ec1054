using System.Collections.ObjectModel;

namespace Rez.OpenApi;

// The wire format as types, for the OpenAPI document and for tests that read answers. The JSON itself is made in 002-rendering.sql.

internal sealed record Product(
    long Id, string Name, string Brand, string Description, decimal Price, string Currency, decimal Rating, int ReviewCount,
    CategoryName Category, StoreName Store, int MerchantId, bool IsFeatured, bool IsActive, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, int Version, ProductImages Images);

/// <summary>Where an image is in its largest size; another of its <paramref name="Widths"/> in the place of the last part is that one.</summary>
internal sealed record ProductImage(string Id, string Url, int Width, int Height, ProductImages.WidthsOf Widths);

/// <summary>A product's images in their order. Two are equal when they have the same.</summary>
internal sealed class ProductImages : Collection<ProductImage>, IEquatable<ProductImages>
{
    public bool Equals(ProductImages? other) => other is not null && this.SequenceEqual(other);

    public override bool Equals(object? obj) => Equals(obj as ProductImages);

    public override int GetHashCode() => Count;

    /// <summary>Pixels, the largest last; none when only the upload itself is there.</summary>
    internal sealed class WidthsOf : Collection<int>, IEquatable<WidthsOf>
    {
        public bool Equals(WidthsOf? other) => other is not null && this.SequenceEqual(other);

        public override bool Equals(object? obj) => Equals(obj as WidthsOf);

        public override int GetHashCode() => Count;
    }
}

internal sealed record CategoryName(int Id, string Slug, string Name);

internal sealed record StoreName(int Id, string Name);

internal sealed record Category(int Id, string Slug, string Name, int? ParentId, int ProductCount);

internal sealed record Store(int Id, string Slug, string Name, int MerchantId, string City, decimal Rating, int ProductCount, bool IsActive, DateTimeOffset CreatedAt);

internal sealed record Merchant(int Id, string Name, string Country, int ProductCount, DateTimeOffset JoinedAt);

internal sealed record ListOf<T>(bool Success, T[] Data, Pagination Pagination, string? CorrectedQuery = null);

/// <summary><paramref name="Page"/> only when paged by number; totals only then too. A total that is not exact is "at least".</summary>
internal sealed record Pagination(int Limit, bool HasMore, int? Page = null, long? Total = null, bool? TotalIsExact = null, long? TotalPages = null, string? NextCursor = null);

internal sealed record FoundEverything(bool Success, Found Data, FoundTotals Totals, string? CorrectedQuery = null);

internal sealed record Found(Product[] Products, Store[] Stores, Category[] Categories);

internal sealed record FoundTotals(long Products, bool ProductsIsExact);

/// <summary><paramref name="Facets"/> when they were asked for.</summary>
internal sealed record FoundProducts(bool Success, Product[] Data, Pagination Pagination, Facets? Facets = null, string? CorrectedQuery = null);

internal sealed record Facets(FacetOf<CountedCategory> Categories, FacetOf<CountedMerchant> Merchants, FacetOf<CountedPrice> Prices, FacetOf<CountedRating> Ratings);

/// <summary>Counts that are not exact are lower bounds.</summary>
internal sealed record FacetOf<T>(bool IsExact, T[] Values);

internal sealed record CountedCategory(int Id, string Slug, string Name, int Count);

internal sealed record CountedMerchant(int Id, string Name, int Count);

/// <summary>US dollars; <paramref name="To"/> is not in it.</summary>
internal sealed record CountedPrice(decimal From, int Count, decimal? To = null);

/// <summary>So many stars, or more.</summary>
internal sealed record CountedRating(decimal From, int Count);
