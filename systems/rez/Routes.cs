using Rez.Caching;
using Rez.Categories;
using Rez.Imports;
using Rez.Merchants;
using Rez.OpenApi;
using Rez.Products;
using Rez.Search;
using Rez.Stores;
using Tenfold.AspNetCore;

namespace Rez;

/// <summary>Every route of the API with its description. Handlers are plain request delegates: nothing between Kestrel and them.</summary>
internal static class Routes
{
    public static void Map(WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json");
        var services = app.Services;
        Get("/api/products", services.GetRequiredService<ListProducts>().HandleAsync, Describe.ListProducts, Cached.Products);
        Get("/api/products/search", services.GetRequiredService<SearchProducts>().HandleAsync, Describe.SearchProducts, Cached.Products);
        Get("/api/products/featured", services.GetRequiredService<FeaturedProducts>().HandleAsync, Describe.FeaturedProducts, Cached.Featured);
        Get("/api/products/{id}", services.GetRequiredService<GetProduct>().HandleAsync, Describe.GetProduct, Cached.Product, Cached.TagsOfProduct);
        Plain("PUT", "/api/products/{id}", services.GetRequiredService<UpdateProduct>().PutAsync, Describe.PutProduct);
        Plain("PATCH", "/api/products/{id}", services.GetRequiredService<UpdateProduct>().PatchAsync, Describe.PatchProduct);
        Get("/api/categories", services.GetRequiredService<ListCategories>().HandleAsync, Describe.ListCategories, Cached.Categories);
        Get("/api/categories/{id}", services.GetRequiredService<GetCategory>().HandleAsync, Describe.GetCategory, Cached.Categories);
        Get("/api/stores", services.GetRequiredService<ListStores>().HandleAsync, Describe.ListStores, Cached.Stores);
        Get("/api/stores/{id}", services.GetRequiredService<GetStore>().HandleAsync, Describe.GetStore, Cached.Stores);
        Get("/api/merchants", services.GetRequiredService<ListMerchants>().HandleAsync, Describe.ListMerchants, Cached.Profiles);
        Get("/api/merchants/{id}", services.GetRequiredService<GetMerchant>().HandleAsync, Describe.GetMerchant, Cached.Profiles);
        Plain("POST", "/api/merchants/{id}/import", services.GetRequiredService<UploadImport>().HandleAsync, Describe.UploadImport);
        Plain("GET", "/api/merchants/{id}/imports", services.GetRequiredService<ListImports>().HandleAsync, Describe.ListImports);
        Plain("GET", "/api/imports/{id}", services.GetRequiredService<GetImport>().HandleAsync, Describe.GetImport);
        Plain("GET", "/api/imports/{id}/events", services.GetRequiredService<ImportEvents>().HandleAsync, Describe.ImportEvents);
        Get("/api/search", services.GetRequiredService<SearchEverything>().HandleAsync, Describe.SearchEverything, Cached.Products);

        void Get(string path, RequestDelegate handler, Operation operation, string policy, Func<HttpContext, IEnumerable<string>>? tags = null) =>
            app.MapMethods(path, ["GET"], handler).Cached(policy, tags).Describe(handler, path.Split('/')[2], operation);

        void Plain(string method, string path, RequestDelegate handler, Operation operation) =>
            app.MapMethods(path, [method], handler).Describe(handler, path.Split('/')[2], operation);
    }
}
