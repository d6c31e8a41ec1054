namespace Commons.OpenApi;

// Wire formats that every system has, for OpenAPI documents and for tests that read answers.

public sealed record Item<T>(bool Success, T Data);

public sealed record ProblemDocument(string Type, string Title, int Status, string? Detail = null, Dictionary<string, string[]>? Errors = null);
