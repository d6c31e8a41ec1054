using Commons.Http;
using Commons.OpenApi;
using Rez.Caching;
using Rez.OpenApi;
using Tenfold.AspNetCore;
using static Commons.OpenApi.CommonParameters;

namespace Rez.Merchants;

/// <summary>Merchants, as everybody sees them.</summary>
internal static class MerchantsRoutes
{
    private static readonly Operation ListMerchantsOperation = new("listMerchants", "Merchants by id", typeof(ListOf<Merchant>), Page, Limit, Cursor);

    private static readonly Operation GetMerchantOperation = new("getMerchant", "One merchant", typeof(Item<Merchant>), Id) { Problems = [404] };

    public static void AddMerchants(this IServiceCollection services)
    {
        services.AddSingleton<ListMerchants>();
        services.AddSingleton<GetMerchant>();
    }

    public static void MapMerchants(this RouteTable routes)
    {
        routes.Map("GET", "/api/merchants", routes.Of<ListMerchants>().HandleAsync, ListMerchantsOperation).Cached(Cached.Profiles);
        routes.Map("GET", "/api/merchants/{id}", routes.Of<GetMerchant>().HandleAsync, GetMerchantOperation).Cached(Cached.Profiles);
    }
}
