using Rez.Categories;
using Rez.Merchants;
using Rez.OpenApi;
using Rez.Products;
using Rez.Search;
using Rez.Stores;

namespace Rez;

/// <summary>Every route of the API with its description. Handlers are plain request delegates: nothing between Kestrel and them.</summary>
internal static class Routes
{
    public static void Map(WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json");
        var services = app.Services;
        Get("/api/products", services.GetRequiredService<ListProducts>().HandleAsync, Describe.ListProducts);
        Get("/api/products/search", services.GetRequiredService<SearchProducts>().HandleAsync, Describe.SearchProducts);
        Get("/api/products/featured", services.GetRequiredService<FeaturedProducts>().HandleAsync, Describe.FeaturedProducts);
        Get("/api/products/{id}", services.GetRequiredService<GetProduct>().HandleAsync, Describe.GetProduct);
        Map("PUT", "/api/products/{id}", services.GetRequiredService<UpdateProduct>().PutAsync, Describe.PutProduct);
        Map("PATCH", "/api/products/{id}", services.GetRequiredService<UpdateProduct>().PatchAsync, Describe.PatchProduct);
        Get("/api/categories", services.GetRequiredService<ListCategories>().HandleAsync, Describe.ListCategories);
        Get("/api/categories/{id}", services.GetRequiredService<GetCategory>().HandleAsync, Describe.GetCategory);
        Get("/api/stores", services.GetRequiredService<ListStores>().HandleAsync, Describe.ListStores);
        Get("/api/stores/{id}", services.GetRequiredService<GetStore>().HandleAsync, Describe.GetStore);
        Get("/api/merchants", services.GetRequiredService<ListMerchants>().HandleAsync, Describe.ListMerchants);
        Get("/api/merchants/{id}", services.GetRequiredService<GetMerchant>().HandleAsync, Describe.GetMerchant);
        Get("/api/search", services.GetRequiredService<SearchEverything>().HandleAsync, Describe.SearchEverything);

        void Get(string path, RequestDelegate handler, Operation operation) => Map("GET", path, handler, operation);

        void Map(string method, string path, RequestDelegate handler, Operation operation) =>
            app.MapMethods(path, [method], handler).Describe(handler, path.Split('/')[2], operation);
    }
}
