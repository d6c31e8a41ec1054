namespace Rez.OpenApi;

/// <summary>What the OpenAPI document says of a route that is a plain request delegate.</summary>
internal sealed record Operation(string Id, string Summary, Type Answer, params Parameter[] Parameters)
{
    public Type? Body { get; init; }

    /// <summary>Problem statuses beside 400 and 503.</summary>
    public int[] Problems { get; init; } = [];
}

/// <summary>A query or path parameter.</summary>
internal sealed record Parameter(string Name, Type Type, string Description)
{
    public bool InPath { get; init; }

    public bool Required { get; init; }

    public string[]? Choices { get; init; }
}
