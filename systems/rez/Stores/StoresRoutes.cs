using Commons.Http;
using Commons.OpenApi;
using Rez.Caching;
using Rez.OpenApi;
using Tenfold.AspNetCore;
using static Commons.OpenApi.CommonParameters;

namespace Rez.Stores;

/// <summary>Stores of merchants.</summary>
internal static class StoresRoutes
{
    private static readonly Operation ListStoresOperation = new(
        "listStores", "Active stores, the most popular first", typeof(ListOf<Store>), Page, Limit, Cursor,
        new Parameter("merchant", typeof(int), "Id of a merchant."));

    private static readonly Operation GetStoreOperation = new("getStore", "One store", typeof(Item<Store>), Id) { Problems = [404] };

    public static void AddStores(this IServiceCollection services)
    {
        services.AddSingleton<ListStores>();
        services.AddSingleton<GetStore>();
    }

    public static void MapStores(this RouteTable routes)
    {
        routes.Map("GET", "/api/stores", routes.Of<ListStores>().HandleAsync, ListStoresOperation).Cached(Cached.Stores);
        routes.Map("GET", "/api/stores/{id}", routes.Of<GetStore>().HandleAsync, GetStoreOperation).Cached(Cached.Stores);
    }
}
