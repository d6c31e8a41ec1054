using Tenfold.Postgres.SlowQueries;

namespace Tenfold.Postgres.Tests.SlowQueries;

public sealed class QueryTextTests
{
    [Theory]
    [InlineData("SELECT * FROM t WHERE id = 7", "SELECT * FROM t WHERE id = ?")]
    [InlineData("SELECT  *\n\tFROM t2 -- all\nWHERE a='it''s' /* x */ AND b = $1", "SELECT * FROM t2 WHERE a=? AND b = $1")]
    [InlineData("SELECT 1.5e3, \"Odd 1\" FROM t WHERE x IN (1, 2,3 , 'a')", "SELECT ?, \"Odd 1\" FROM t WHERE x IN (?, …)")]
    [InlineData("", "")]
    [InlineData("SELECT 'never ends", "SELECT ?")]
    public void Texts_that_differ_in_literals_are_one(string sql, string expected) => Assert.Equal(expected, QueryText.Normalize(sql));

    [Fact]
    public void A_long_text_is_cut() => Assert.InRange(QueryText.Normalize(string.Concat(Enumerable.Repeat("abc ", 100_000))).Length, 1900, 2010);

    [Theory]
    [InlineData("SELECT 1", 0)]
    [InlineData("SELECT $2, $1, '$9'", 2)]
    [InlineData("SELECT $12", 12)]
    public void Parameters_are_counted(string sql, int expected) => Assert.Equal(expected, QueryText.Parameters(sql));
}
