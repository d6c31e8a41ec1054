namespace Tenfold.Guide;

/// <summary>A shape of queries that the system lives on: <c>tenfold check</c> verifies that one index serves it.</summary>
public sealed record QueryShape
{
    /// <summary>The table, with its schema where that is not <c>public</c>.</summary>
    public required string Table { get; init; }

    /// <summary>What its rows must meet, all of it: a column alone equals a value (a boolean one is true); anything else is SQL with <c>?</c> for each value.</summary>
    public IReadOnlyList<string> Where { get; init; } = [];

    /// <summary>The columns that its rows are ordered by, each with <c>desc</c> where it falls.</summary>
    public IReadOnlyList<string> Order { get; init; } = [];

    /// <summary>As a person would say it: <c>products by merchant_id, in order of created_at desc</c>.</summary>
    public override string ToString() =>
        $"{Table}{(Where.Count > 0 ? $" by {string.Join(" and ", Where)}" : "")}{(Order.Count > 0 ? $" in order of {string.Join(", ", Order)}" : "")}";
}
