namespace Tenfold.Guide.Reading;

/// <summary>Paths of items: <c>services.api.scale.min</c>, <c>gateway.routes[2].service</c>.</summary>
internal static class ItemPath
{
    public static string Of(string parent, string key) => parent.Length == 0 ? key : $"{parent}.{key}";

    public static string Of(string parent, int index) => $"{parent}[{index}]";
}
