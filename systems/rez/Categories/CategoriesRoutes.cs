using Commons.Http;
using Commons.OpenApi;
using Rez.Caching;
using Rez.OpenApi;
using Tenfold.AspNetCore;
using static Commons.OpenApi.CommonParameters;

namespace Rez.Categories;

/// <summary>Departments and categories.</summary>
internal static class CategoriesRoutes
{
    private static readonly Operation ListCategoriesOperation = new(
        "listCategories", "Departments and categories by id", typeof(ListOf<Category>), Page,
        new Parameter("limit", typeof(int), "1 to 500; 50 when not given."), Cursor,
        new Parameter("level", typeof(string), "all when not given") { Choices = ["all", "department", "category"] },
        new Parameter("parent", typeof(int), "Id of a department: its categories."));

    private static readonly Operation GetCategoryOperation = new("getCategory", "One category", typeof(Item<Category>), Id) { Problems = [404] };

    public static void AddCategories(this IServiceCollection services)
    {
        services.AddSingleton<ListCategories>();
        services.AddSingleton<GetCategory>();
    }

    public static void MapCategories(this RouteTable routes)
    {
        routes.Map("GET", "/api/categories", routes.Of<ListCategories>().HandleAsync, ListCategoriesOperation).Cached(Cached.Categories);
        routes.Map("GET", "/api/categories/{id}", routes.Of<GetCategory>().HandleAsync, GetCategoryOperation).Cached(Cached.Categories);
    }
}
