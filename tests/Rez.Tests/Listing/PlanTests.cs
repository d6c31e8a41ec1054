using Npgsql;
using Rez.Listing;
using Rez.Products;
using Rez.Search;

namespace Rez.Tests.Listing;

/// <summary>Every list walks an index made for it: no sort of the catalogue, no scan of it.</summary>
public sealed class PlanTests(Shop shop)
{
    public static TheoryData<string, string, string> Lists => new()
    {
        { "newest", "", "products_newest" },
        { "popular", "", "products_popular" },
        { "rating", "", "products_rating" },
        { "price-asc", "", "products_price" },
        { "price-desc", "", "products_price" },
        { "newest", "department_id", "products_department_newest" },
        { "popular", "department_id", "products_department_popular" },
        { "rating", "department_id", "products_department_rating" },
        { "price-asc", "department_id", "products_department_price" },
        { "price-desc", "department_id", "products_department_price" },
        { "newest", "category_id", "products_category_newest" },
        { "price-asc", "category_id", "products_category_price" },
        { "newest", "merchant_id", "products_merchant" },
        { "newest", "store_id", "products_store" },
    };

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task A_list_walks_its_index_from_the_start_and_from_a_cursor(string sort, string filter, string index)
    {
        var query = new ListQuery("products", ProductSorts.ByName[sort]).Where("is_active");
        if (filter.Length > 0)
        {
            query.Where(filter + " =", filter is "category_id" ? 21 : 1);
        }

        query.Counter = "SELECT product_count FROM catalogue";
        // The newest row's date, a price in the middle: a cursor with rows on both sides.
        var middle = new Cursor(query.Hash(), sort switch { "newest" => 770_000_000_000_000, "rating" => 43, "popular" => 500, _ => 5000 }, 100, 6000);
        await using var connection = await shop.Database.OpenConnectionAsync();
        foreach (var paging in new[] { new Paging(1, 20, null), new Paging(3, 20, null), new Paging(1, 20, middle) })
        {
            await using var command = query.Rows(connection, paging);
            var plan = await ExplainAsync(command);
            Assert.Contains(" " + index + " ", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("Sort", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("Seq Scan on products", plan, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Featured_products_walk_their_index()
    {
        await using var connection = await shop.Database.OpenConnectionAsync();
        await using var command = new ListQuery("products", ProductSorts.Popular).Where("is_active").Where("is_featured").Rows(connection, new Paging(1, 10, null));
        Assert.Contains("products_featured", await ExplainAsync(command), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_common_word_walks_by_popularity_and_a_rare_one_takes_the_text_index()
    {
        await using var walk = Search(new SearchSql(60).Walk(8000), "'electron'");
        var plan = await ExplainAsync(walk);
        Assert.Contains("products_popular", plan, StringComparison.Ordinal);
        Assert.DoesNotContain("products_search", plan, StringComparison.Ordinal);

        await using var fetch = Search(new SearchSql(60).Fetch(), "'kettl' & 'silent'");
        Assert.Contains("products_search", await ExplainAsync(fetch), StringComparison.Ordinal);
    }

    private NpgsqlCommand Search(string sql, string query)
    {
        var command = shop.Database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = query });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [] });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = 21 });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = 0 });
        return command;
    }

    private static async Task<string> ExplainAsync(NpgsqlCommand command)
    {
        command.CommandText = "EXPLAIN " + command.CommandText;
        await using var rows = await command.ExecuteReaderAsync();
        var plan = new List<string>();
        while (await rows.ReadAsync())
        {
            plan.Add(rows.GetString(0));
        }

        return string.Join('\n', plan);
    }
}
