using Commons.Accounts;
using Commons.Http;
using Commons.OpenApi;
using Rez.Caching;
using Rez.OpenApi;
using Tenfold.AspNetCore;
using Rez.Categories;
using Rez.Search;
using static Commons.OpenApi.CommonParameters;

namespace Rez.Products;

/// <summary>The products that customers see, and their changes.</summary>
internal static class ProductsRoutes
{
    private static readonly Operation ListProductsOperation = new(
        "listProducts", "Active products by filter and sort", typeof(ListOf<Product>), Page, Limit, Cursor,
        new Parameter("sort", typeof(string), "newest when not given") { Choices = [.. ProductSorts.ByName.Keys] },
        new Parameter("category", typeof(string), "Slug or id of a department or a category."),
        new Parameter("minPrice", typeof(decimal), "US dollars."),
        new Parameter("maxPrice", typeof(decimal), "US dollars."),
        new Parameter("rating", typeof(decimal), "Least rating, 0 to 5."),
        new Parameter("merchant", typeof(int), "Id of a merchant."),
        new Parameter("store", typeof(int), "Id of a store."));

    private static readonly Operation SearchProductsOperation = new(
        "searchProducts", "Full-text search; misspelt words are corrected when next to nothing is found", typeof(FoundProducts), SearchRoutes.Q,
        new Parameter("page", typeof(int), $"Page, from 1; a search shows its first {ProductSearch.Most} products. Not with cursor."), Limit,
        new Parameter("cursor", typeof(string), "pagination.nextCursor of the page before; same text and filters."),
        new Parameter("category", typeof(string), "Slug or id of a department or a category."),
        new Parameter("merchant", typeof(int), "Id of a merchant."),
        new Parameter("minPrice", typeof(decimal), "US dollars."),
        new Parameter("maxPrice", typeof(decimal), "US dollars."),
        new Parameter("rating", typeof(decimal), "Least rating, 0 to 5."),
        new Parameter("facets", typeof(string), "How many there are by category, merchant, price and rating; each without its own filter. false when not given.") { Choices = ["true", "false"] });

    private static readonly Operation FeaturedProductsOperation = new(
        "featuredProducts", "Featured products, the most popular first", typeof(ListOf<Product>), Page,
        new Parameter("limit", typeof(int), "1 to 50; 10 when not given."), Cursor);

    private static readonly Operation GetProductOperation = new("getProduct", "One product, with its version as ETag", typeof(Item<Product>), Id) { Problems = [404] };

    private static readonly Operation PutProductOperation = Change("putProduct", "Replaces what can be changed of a product");

    private static readonly Operation PatchProductOperation = Change("patchProduct", "Changes the fields that are given");

    private static readonly Operation CreateProductOperation = new(
        "createProduct", "Adds a product of a merchant, with the merchant's own key sku; a sku that the merchant has is a 409 whose Location is that product", typeof(Item<Product>), Id)
    { Body = typeof(NewProduct), Status = 201, Access = Access.Staff, Problems = [404, 409, 413, 415] };

    private static readonly Operation ListMerchantProductsOperation = new(
        "listMerchantProducts", "A merchant's products, active or not, the newest first", typeof(ListOf<OwnProduct>), Id, Limit, Cursor, new Parameter("sku", typeof(string), "The merchant's own key: only that product."))
    { Access = Access.Staff, Problems = [404] };

    private static readonly Operation DeactivateProductOperation = new(
        "deactivateProduct", "Takes a product out of the catalogue; isActive brings it back", typeof(void), Id) { Status = 204, Access = Access.Staff, Problems = [404] };

    public static void AddProducts(this IServiceCollection services)
    {
        services.AddSingleton<CategoryLookup>();
        services.AddSingleton<ListProducts>();
        services.AddSingleton<SearchProducts>();
        services.AddSingleton<FeaturedProducts>();
        services.AddSingleton<GetProduct>();
        services.AddSingleton<Catalogue>();
        services.AddSingleton<MerchantProducts>();
        services.AddSingleton<Publisher>();
        services.AddHostedService(provider => provider.GetRequiredService<Publisher>());
        services.AddSingleton<UpdateProduct>();
        services.AddSingleton<Ownership>();
        services.AddSingleton<CreateProduct>();
        services.AddSingleton<DeactivateProduct>();
        services.AddSingleton<ListMerchantProducts>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Add(ProductsJson.Default));
    }

    public static void MapProducts(this RouteTable routes)
    {
        routes.Map("GET", "/api/products", routes.Of<ListProducts>().HandleAsync, ListProductsOperation).Cached(Cached.Products);
        routes.Map("GET", "/api/products/search", routes.Of<SearchProducts>().HandleAsync, SearchProductsOperation).Cached(Cached.Products);
        routes.Map("GET", "/api/products/featured", routes.Of<FeaturedProducts>().HandleAsync, FeaturedProductsOperation).Cached(Cached.Featured);
        routes.Map("GET", "/api/products/{id}", routes.Of<GetProduct>().HandleAsync, GetProductOperation).Cached(Cached.Product, Cached.TagsOfProduct);
        routes.Map("PUT", "/api/products/{id}", routes.Of<UpdateProduct>().PutAsync, PutProductOperation);
        routes.Map("PATCH", "/api/products/{id}", routes.Of<UpdateProduct>().PatchAsync, PatchProductOperation);
        routes.Map("DELETE", "/api/products/{id}", routes.Of<DeactivateProduct>().HandleAsync, DeactivateProductOperation);
        routes.Map("POST", "/api/merchants/{id}/products", routes.Of<CreateProduct>().HandleAsync, CreateProductOperation);
        routes.Map("GET", "/api/merchants/{id}/products", routes.Of<ListMerchantProducts>().HandleAsync, ListMerchantProductsOperation);
    }

    private static Operation Change(string id, string summary) =>
        new(id, summary + "; If-Match makes it conditional on the version", typeof(Item<Product>), Id) { Access = Access.Staff, Body = typeof(ProductChange), Problems = [404, 412, 413, 415] };
}
