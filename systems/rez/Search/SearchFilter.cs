using Commons.Http;
using Npgsql;
using Rez.Categories;
using Rez.Products;
using Tenfold.Postgres;

namespace Rez.Search;

/// <summary>What a search is narrowed by, each of which has a facet.</summary>
internal enum Facet
{
    Categories,
    Merchants,
    Prices,
    Ratings,
}

/// <summary>What a search is narrowed to. Nothing: all products.</summary>
/// <param name="Category">A category's id, or a department's with all of its categories.</param>
/// <param name="IsDepartment">Which of the two.</param>
/// <param name="Merchant">A merchant.</param>
/// <param name="Lowest">Least price in cents.</param>
/// <param name="Highest">Highest price in cents.</param>
/// <param name="Rating">Least rating in tenths.</param>
internal sealed record SearchFilter(int? Category, bool IsDepartment, int? Merchant, int? Lowest, int? Highest, int? Rating)
{
    public static SearchFilter None { get; } = new(null, false, null, null, null, null);

    /// <summary>Reads <c>category</c>, <c>merchant</c>, <c>minPrice</c>, <c>maxPrice</c> and <c>rating</c>.</summary>
    public static async Task<SearchFilter> ReadAsync(QueryParameters parameters, CategoryLookup categories, Caller caller, CancellationToken cancel)
    {
        var named = parameters.Text("category", 120);
        var filter = new SearchFilter(
            null,
            false,
            parameters.OptionalNumber("merchant", 1, int.MaxValue),
            parameters.OptionalDecimal("minPrice", 2, 0, ListProducts.HighestPrice),
            parameters.OptionalDecimal("maxPrice", 2, 0, ListProducts.HighestPrice),
            parameters.OptionalDecimal("rating", 1, 0, 5));
        if (filter.Lowest > filter.Highest)
        {
            parameters.Wrong("minPrice", "is above maxPrice");
        }

        return named is not null && await categories.FindAsync(named, parameters, caller, cancel) is { } category
            ? filter with { Category = category.Id, IsDepartment = category.IsDepartment }
            : filter;
    }

    public bool Has(Facet facet) => facet switch
    {
        Facet.Categories => Category is not null,
        Facet.Merchants => Merchant is not null,
        Facet.Prices => (Lowest ?? Highest) is not null,
        _ => Rating is not null,
    };

    /// <summary>The same without what a facet narrows by.</summary>
    public SearchFilter Without(Facet facet) => facet switch
    {
        Facet.Categories => this with { Category = null },
        Facet.Merchants => this with { Merchant = null },
        Facet.Prices => this with { Lowest = null, Highest = null },
        _ => this with { Rating = null },
    };

    /// <summary>Conditions, each with an AND before it; their values become the next parameters.</summary>
    public string Conditions(NpgsqlParameterCollection parameters)
    {
        var sql = "";
        Add(IsDepartment ? "department_id =" : "category_id =", Category);
        Add("merchant_id =", Merchant);
        Add("price_cents >=", Lowest);
        Add("price_cents <=", Highest);
        Add("rating_tenths >=", Rating);
        return sql;

        void Add(string condition, int? value)
        {
            if (value is { } given)
            {
                parameters.Add(new NpgsqlParameter<int> { TypedValue = given });
                sql += $" AND {condition} ${parameters.Count}";
            }
        }
    }
}
