namespace Commons.OpenApi;

// Wire formats that every system has, for OpenAPI documents and for tests that read answers.

public sealed record Item<T>(bool Success, T Data);

public sealed record ProblemDocument(string Type, string Title, int Status, string? Detail = null, Dictionary<string, string[]>? Errors = null);

/// <summary>A page of a list that is walked by its last row.</summary>
public sealed record KeysetPage<T>(bool Success, IReadOnlyList<T> Data, KeysetPagination Pagination);

/// <summary>Makes pages.</summary>
public static class KeysetPage
{
    /// <summary>A page of <paramref name="rows"/>, whose cursor is the last one's.</summary>
    public static KeysetPage<T> Of<T>(IReadOnlyList<T> rows, int limit, bool more, Func<T, string> cursor) =>
        new(true, rows, new KeysetPagination(limit, more, more ? cursor(rows[^1]) : null));
}

/// <param name="Limit">Rows a page.</param>
/// <param name="HasMore">Whether there are further ones.</param>
/// <param name="NextCursor">For the next page.</param>
public sealed record KeysetPagination(int Limit, bool HasMore, string? NextCursor);
