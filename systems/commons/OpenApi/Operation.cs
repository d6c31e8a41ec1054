using Commons.Accounts;
using Microsoft.AspNetCore.Http;

namespace Commons.OpenApi;

/// <summary>What the OpenAPI document says of a route that is a plain request delegate; one that answers without a body has the answer <c>void</c>.</summary>
public sealed record Operation(string Id, string Summary, Type Answer, params Parameter[] Parameters)
{
    public Type? Body { get; init; }

    /// <summary>What the body may be.</summary>
    public string[] BodyTypes { get; init; } = ["application/json"];

    /// <summary>Status of the answer.</summary>
    public int Status { get; init; } = StatusCodes.Status200OK;

    /// <summary>Other statuses of the same answer: 200 where it was done before, 202 where it is still being done.</summary>
    public int[] AlsoStatuses { get; init; } = [];

    public string AnswerType { get; init; } = "application/json";

    /// <summary>Who may ask. Default: anyone, without logging in.</summary>
    public Access Access { get; init; }

    /// <summary>Problem statuses beside 400 and 503.</summary>
    public int[] Problems { get; init; } = [];
}

/// <summary>A parameter in the query, or where it says.</summary>
public sealed record Parameter(string Name, Type Type, string Description)
{
    public bool InPath { get; init; }

    public bool InHeader { get; init; }

    public bool Required { get; init; }

    public string[]? Choices { get; init; }
}
