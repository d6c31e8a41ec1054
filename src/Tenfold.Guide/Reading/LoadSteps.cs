namespace Tenfold.Guide.Reading;

/// <summary>The kinds of a load test's step: exactly one of these keys is in each.</summary>
internal static class LoadSteps
{
    public const string Think = "think";

    public const string Parallel = "parallel";

    public const string Share = "share";

    public static IReadOnlyList<string> Requests { get; } = ["get", "post", "put", "patch", "delete"];

    public static IReadOnlyList<string> Kinds { get; } = [.. Requests, Think, Parallel, Share];
}
