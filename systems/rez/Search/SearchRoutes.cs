using Commons.Http;
using Commons.OpenApi;
using Rez.Caching;
using Rez.OpenApi;
using Tenfold.AspNetCore;

namespace Rez.Search;

/// <summary>Search over products, stores and categories.</summary>
internal static class SearchRoutes
{
    public static readonly Parameter Q = new("q", typeof(string), $"What to search for, 1 to {SearchText.Longest} characters; all words must be found.") { Required = true };

    private static readonly Operation SearchEverythingOperation = new(
        "searchEverything", "Products, stores and categories at once", typeof(FoundEverything), Q,
        new Parameter("limit", typeof(int), "Products, 1 to 50; 10 when not given."));

    private static readonly Operation SuggestOperation = new(
        "suggest", "Continues what is typed: categories, brands, stores and words, the most frequent first", typeof(SuggestionList),
        new Parameter("q", typeof(string), $"What was typed, 1 to {Suggestions.LongestText} characters.") { Required = true },
        new Parameter("limit", typeof(int), $"1 to {Suggestions.Most}; {Suggestions.Most} when not given."));

    public static void AddSearch(this IServiceCollection services)
    {
        services.AddSingleton<Freshness>();
        services.AddSingleton<Suggest>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Add(SearchJson.Default));
        services.AddSingleton<ProductSearch>();
        services.AddSingleton<SearchEverything>();
    }

    public static void MapSearch(this RouteTable routes)
    {
        routes.Map("GET", "/api/search", routes.Of<SearchEverything>().HandleAsync, SearchEverythingOperation).Cached(Cached.Products);
        routes.Map("GET", "/api/search/suggestions", routes.Of<Suggest>().HandleAsync, SuggestOperation).Cached(Cached.Categories);
    }
}
