namespace Commons.OpenApi;

/// <summary>Parameters that many operations have.</summary>
public static class CommonParameters
{
    public static Parameter Page { get; } = new("page", typeof(int), "Page by number, from 1; ends at row 10,000. Not with cursor.");

    public static Parameter Limit { get; } = new("limit", typeof(int), "Rows a page, 1 to 100; 20 when not given.");

    public static Parameter Cursor { get; } = new("cursor", typeof(string), "pagination.nextCursor of the page before; same sort and filters. A walk meets every row once as long as its sort key stays the same: newest never changes, a price, rating or popularity may, and a row that changes it between two pages can be met twice or not at all.");

    public static Parameter Id { get; } = new("id", typeof(long), "The id, from 1.") { InPath = true, Required = true };
}
