using Tenfold.Guide;
using Tenfold.Runtime.Queries;

namespace Tenfold.Runtime.Tests.Queries;

public sealed class ShapeSqlTests
{
    private static readonly HashSet<string> Booleans = ["is_active"];

    [Fact]
    public void Columns_are_equal_booleans_are_true_and_question_marks_are_values()
    {
        var shape = new QueryShape { Table = "shop.items", Where = ["is_active", "brand", "price > ?", "name LIKE 'a?' || ?"], Order = ["price desc", "id"] };
        Assert.Equal(
            ("SELECT * FROM \"shop\".\"items\" WHERE (is_active) AND (brand = $1) AND (price > $2) AND (name LIKE 'a?' || $3) ORDER BY price desc, id LIMIT 20", 3),
            ShapeSql.Of(shape, Booleans));
    }

    [Theory]
    [InlineData("is_active, brand", "price desc, id", "CREATE INDEX ON t (brand, price desc, id) WHERE is_active")]
    [InlineData("brand, price >= ?", "", "CREATE INDEX ON t (brand, price)")]
    [InlineData("brand, price >= ?", "price", "CREATE INDEX ON t (brand, price)")]
    [InlineData("brand, price >= ?", "id", null)] // ordered within a range: for a person to weigh
    [InlineData("search @@ ?", "", null)]
    public void The_index_that_is_advised(string where, string order, string? expected) => Assert.Equal(
        expected,
        ShapeSql.IndexFor(new QueryShape { Table = "t", Where = where.Split(", "), Order = order.Length == 0 ? [] : order.Split(", ") }, Booleans));
}
